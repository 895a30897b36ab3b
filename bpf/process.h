/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The wire between the kernel half and user space: the one source of truth.
 * The build reads these structs back from the object's BTF and writes
 * src/wire/layout.gen.ts; nothing of it is typed a second time.
 */
#ifndef LINNIX_PROCESS_H
#define LINNIX_PROCESS_H

#define COMM_LEN 16
/* Most bytes of arguments that one exec record may be set to carry: a perf sample holds less than 64 KiB, a per-CPU
 * map's value at most 32 KiB. */
#define MAX_ARGS_BYTES 15360
/* The executable's path has a share of its own, so that neither a long path nor long arguments hide the other. */
#define MAX_PATH_BYTES 1024
/*
 * Of a longer path the record has this many bytes, leaf first: enough for the last CUT_PATH_BYTES of it, since no
 * component takes more than NAME_SIZE.
 */
#define CUT_RECORD_BYTES 512
#define CUT_PATH_BYTES 256
/* Longest chain of path components and mounts that is walked for the executable's path. */
#define MAX_PATH_DEPTH 1024
/* Of 64 bits, one for each thread id that a kernel gives out: PID_MAX_LIMIT is 2^22. */
#define CLAIM_WORDS 65536
/*
 * Most threads, after the first few, whose figures are added when their process ends: a program must not keep a CPU for
 * much longer than a tick.
 */
#define MAX_EXIT_THREADS 16384
/* NAME_MAX and its NUL. */
#define NAME_SIZE 256

enum event_type {
	EVENT_FORK = 1,
	EVENT_EXEC = 2,
	EVENT_EXIT = 3,
	EVENT_TYPES = 4, /* one past the last */
};

/*
 * process_event.known, for records of all types: which fields this kernel and backend could give, and how to take them.
 * The process table keeps the first eight.
 */
enum known {
	KNOWN_PPID = 1 << 0,
	KNOWN_START = 1 << 1,
	KNOWN_CGROUP = 1 << 2,
	KNOWN_NS_PID = 1 << 3,
	KNOWN_EFFECTIVE = 1 << 4, /* euid and egid */
	KNOWN_AUID = 1 << 5, /* and set */
	KNOWN_PARENT_START = 1 << 6,
	/* exec */
	KNOWN_EXE = 1 << 8,
	EXE_WHOLE = 1 << 9, /* exe is the path as one string, not components leaf first */
	EXE_CUT = 1 << 10, /* the path was too long: only its end is there */
	KNOWN_ARGS = 1 << 11,
	ARGS_CUT = 1 << 12,
	KNOWN_OLD_COMM = 1 << 13,
	/* exit */
	KNOWN_STATUS = 1 << 16,
	KNOWN_CPU = 1 << 17,
	KNOWN_RSS = 1 << 18,
	KNOWN_FAULTS = 1 << 19,
	KNOWN_IO = 1 << 20,
	MISSED_EXEC = 1 << 21, /* its last exec was not handed over: what user space knows of its image is out of date */
	UNSURE_COMM = 1 << 22, /* comm is the name of the last thread, not of the process */
	UNSURE_END = 1 << 23, /* the leader has ended; other threads may run, because there was no room to count them */
	/* sample */
	FIRST_SEEN = 1 << 24, /* no figures were kept of it: runtime_ns counts from its start */
	/* page fault */
	FAULT_WRITE = 1 << 25,
	/* the end of a process */
	KNOWN_EXEC_COUNT = 1 << 26, /* its birth was seen */
	IMAGE_HERE = 1 << 27, /* the record has its image, or says that it is not known */
};

/* Maps with an entry for a process. */
enum process_map {
	MAP_TRACKED_PIDS,
	MAP_MISSED_EXECS,
	MAP_THREAD_GROUPS,
	MAP_IMAGES,
	PROCESS_MAPS, /* one past the last */
};

/* Head of every record, and the whole of a fork record (then about the child). */
struct process_event {
	__u8 type; /* enum event_type */
	__u8 reserved_head;
	__u16 cpu;
	__u32 known;  /* enum known */
	__u32 pid;    /* the kernel's tgid, in the initial pid namespace */
	__u32 ppid;   /* tgid of real_parent */
	__u32 ns_pid; /* tgid in the process's own pid namespace */
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 egid;
	__u32 auid;     /* login uid */
	__u64 ts_ns;    /* CLOCK_BOOTTIME */
	__u64 start_ns; /* start_boottime of the thread group leader */
	__u64 parent_start_ns; /* that of the parent's */
	__u64 cgroup_id; /* cgroup v2 (default hierarchy) */
	char comm[COMM_LEN];
};

/* Followed by exe_len bytes of path, then args_len bytes of arguments. */
struct exec_event {
	struct process_event p;
	__u32 old_tid; /* thread that called exec: differs from pid when it was not the leader */
	__u32 args_total; /* bytes of arguments that the process has, cut or not */
	__u16 exe_len;
	__u16 args_len;
	__u32 reserved;
	char old_comm[COMM_LEN]; /* the name right before the exec */
};

/* Where the walk along an executable's path stands; kernel addresses, that never leave the kernel. */
struct path_walk {
	__u64 dentry;
	__u64 vfsmount;
	__u64 root; /* of that mount */
	__u32 length; /* bytes written, each component with its NUL */
	__u32 reserved;
};

struct exit_event {
	struct process_event p;
	__u32 status; /* as wait(2) gives it */
	__u32 reserved;
	__u64 utime_ns; /* of all threads; sampled by ticks on most kernels */
	__u64 stime_ns;
	__u64 runtime_ns; /* of all threads; exact up to accounted_ns: the scheduler's own sum */
	__u64 accounted_ns; /* scheduler clock; since then the last thread ran unaccounted; 0: not known */
	__u64 peak_rss_bytes;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 read_bytes;
	__u64 write_bytes;
};

/*
 * Set before load. The verifier takes them for constants and drops the code of
 * what is off, so that a filter which was not asked for costs nothing.
 */
struct knobs {
	__u32 event_mask; /* bit EVENT_x set: wanted */
	__u32 max_args_bytes;
	__u64 min_duration_ns; /* exits of processes that lived less are held back */
	__u64 cgroup_base_id; /* the cgroup at cgroup_base_level, where the path of the watched one begins */
	__u32 cgroup_base_level;
	__u32 cgroup_level; /* of the watched one */
	__u32 page_size;
	__u8 filter_pid;
	__u8 filter_uid;
	__u8 filter_comm;
	__u8 filter_cgroup;
	/* Classic tracepoints only: where the fields lie, from tracefs' format files. */
	__u8 group_dead_known; /* sched_process_exit has group_dead: 6.16 and later */
	__u8 retry; /* BTF tracepoints only: what the kernel skips is tried a second time */
	__u8 reserved[2];
	__u32 newtask_pid_offset;
	__u32 newtask_comm_offset;
	__u32 newtask_clone_flags_offset;
	__u32 exec_filename_offset; /* of its __data_loc word */
	__u32 exec_old_pid_offset;
	__u32 exit_group_dead_offset;
	__u32 rename_oldcomm_offset;
	__u32 rename_newcomm_offset;
	__u32 rename_pid_offset;
	__u32 totals_places; /* for groups, in each of both buffers: a power of two */
	__u32 max_exit_threads; /* MAX_EXIT_THREADS, or fewer */
	__u32 mkdir_root_offset;
	__u32 mkdir_id_offset;
	__u32 mkdir_path_offset; /* of its __data_loc word */
};

/* Longer paths are not followed by the kernel side. A power of two. */
#define WATCHED_PATH_LEN 512

/* What --cgroup names; user space and the kernel side both write the id. */
struct watched_cgroup {
	__u64 id;
	__u32 path_length; /* 0: the path is not followed */
	__u32 reserved;
	char path[WATCHED_PATH_LEN]; /* from cgroup_base_id on, with its slash */
};

/* Classic tracepoints only: a process that has or had several threads, which no event tells of as a whole. */
struct thread_group {
	__u32 extra_threads; /* beyond one; counted where sched_process_exit has no group_dead */
	char comm[COMM_LEN]; /* the leader's, which is the process's */
};

/*
 * One a CPU, in a memory-mapped array: user space reads it without a system call. For each type
 * seen = filtered + suppressed + folded + emitted.
 */
struct cpu_counters {
	__u64 seen[EVENT_TYPES];     /* what the tracepoint offered, threads apart */
	__u64 emitted[EVENT_TYPES];  /* what was handed to the ring: received + ring_full + no_ring */
	__u64 ring_full[EVENT_TYPES]; /* lost: the ring had no room */
	__u64 no_ring[EVENT_TYPES];  /* lost: this CPU had no ring, or one that died when it went offline; the spare one was full */
	__u64 filtered[EVENT_TYPES]; /* what a filter held back */
	__u64 suppressed[EVENT_TYPES]; /* what a storm's source is counted for instead of sent */
	__u64 folded[EVENT_TYPES]; /* what the level of detail puts into another record */
	__u64 retried[EVENT_TYPES];  /* skipped by the kernel, and looked at by the second program; threads too */
	__u64 threads_started;
	__u64 threads_exited;
	__u64 no_room[PROCESS_MAPS]; /* processes that a map had no room for, or no memory */
	__u64 hotplug_steps; /* of this CPU on its way offline or online; another number: its ring may be dead */
	__u64 spared; /* records that went to the spare ring, because this CPU had no ring */
	/* 320 bytes: no cache line is shared between CPUs. */
};

#endif
