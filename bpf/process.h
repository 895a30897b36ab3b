/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The wire between the BPF programs and user space. This is its only description: the build reads these structs from the
 * object's BTF and generates src/wire/layout.gen.ts.
 */
#ifndef LINNIX_PROCESS_H
#define LINNIX_PROCESS_H

#define COMM_LEN 16
/*
 * The highest limit for the bytes of arguments in an exec record. A perf sample is smaller than 64 KiB, and a value of a
 * per-CPU map has at most 32 KiB.
 */
#define MAX_ARGS_BYTES 15360
/* The path of the executable has its own limit, so path and arguments do not take room from each other. */
#define MAX_PATH_BYTES 1024
/*
 * Of a longer path, the record has only this many bytes, leaf first. They contain the last CUT_PATH_BYTES of the path,
 * because no component is longer than NAME_SIZE.
 */
#define CUT_RECORD_BYTES 512
#define CUT_PATH_BYTES 256
/* Maximum number of steps to find the path of an executable; each step is a component or a mount. */
#define MAX_PATH_DEPTH 1024
/* Words of 64 bits, with one bit for each possible thread id: PID_MAX_LIMIT is 2^22. */
#define CLAIM_WORDS 65536
/*
 * Maximum number of threads of one process whose figures the exit program adds up. The program must not occupy a CPU for
 * much longer than a tick.
 */
#define MAX_EXIT_THREADS 16384
/* NAME_MAX and a NUL. */
#define NAME_SIZE 256

enum event_type {
	EVENT_FORK = 1,
	EVENT_EXEC = 2,
	EVENT_EXIT = 3,
	EVENT_TYPES = 4, /* one past the last */
};

/*
 * Bits of process_event.known, for records of all types: which fields the record has, and how to read them. The process
 * table stores some of the first eight bits.
 */
enum known {
	KNOWN_PPID = 1 << 0,
	KNOWN_START = 1 << 1,
	KNOWN_CGROUP = 1 << 2,
	KNOWN_NS_PID = 1 << 3,
	KNOWN_EFFECTIVE = 1 << 4, /* euid and egid */
	KNOWN_AUID = 1 << 5, /* the process belongs to a login; auid is its user */
	KNOWN_PARENT_START = 1 << 6,
	/* exec */
	KNOWN_EXE = 1 << 8,
	EXE_WHOLE = 1 << 9, /* exe is the path as one string, not a list of components */
	EXE_CUT = 1 << 10, /* the path was too long: exe is only its end */
	KNOWN_ARGS = 1 << 11,
	ARGS_CUT = 1 << 12,
	KNOWN_OLD_COMM = 1 << 13,
	/* exit */
	KNOWN_STATUS = 1 << 16,
	KNOWN_CPU = 1 << 17,
	KNOWN_RSS = 1 << 18,
	KNOWN_FAULTS = 1 << 19,
	KNOWN_IO = 1 << 20,
	MISSED_EXEC = 1 << 21, /* the record of its last exec was not sent: user space knows an outdated image */
	UNSURE_COMM = 1 << 22, /* comm is the name of the last thread, not of the process */
	UNSURE_END = 1 << 23, /* the leader has ended, but other threads may still run: the map had no room for their number */
	/* sample */
	FIRST_SEEN = 1 << 24, /* the process had no earlier sample: runtime_ns counts from its start */
	/* page fault */
	FAULT_WRITE = 1 << 25,
	/* the end of a process */
	KNOWN_EXEC_COUNT = 1 << 26, /* a BPF program saw the fork of the process */
	IMAGE_HERE = 1 << 27, /* the record has the image, or shows that the image is unknown */
};

/* Maps with an entry for each process. */
enum process_map {
	MAP_TRACKED_PIDS,
	MAP_MISSED_EXECS,
	MAP_THREAD_GROUPS,
	MAP_IMAGES,
	PROCESS_MAPS, /* one past the last */
};

/* The head of every record. A fork record is only this head, about the child. */
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
	__u64 parent_start_ns; /* start_boottime of the parent's leader */
	__u64 cgroup_id; /* cgroup v2 (default hierarchy) */
	char comm[COMM_LEN];
};

/* Followed by exe_len bytes of path, then args_len bytes of arguments. */
struct exec_event {
	struct process_event p;
	__u32 old_tid; /* the thread that called exec: not pid if it was not the leader */
	__u32 args_total; /* bytes of arguments that the process has, including those that were cut off */
	__u16 exe_len;
	__u16 args_len;
	__u32 reserved;
	char old_comm[COMM_LEN]; /* the name right before the exec */
};

/* The state of a walk along the path of an executable. Its kernel addresses never leave the kernel. */
struct path_walk {
	__u64 dentry;
	__u64 vfsmount;
	__u64 root; /* of that mount */
	__u32 length; /* bytes written, each component with its NUL */
	__u32 reserved;
};

struct exit_event {
	struct process_event p;
	__u32 status; /* as wait(2) returns it */
	__u32 reserved;
	__u64 utime_ns; /* of all threads; most kernels sample it at ticks */
	__u64 stime_ns;
	__u64 runtime_ns; /* of all threads: the scheduler's own sum, exact up to accounted_ns */
	__u64 accounted_ns; /* scheduler clock; runtime_ns lacks the run time of the last thread after this time; 0: unknown */
	__u64 peak_rss_bytes;
	__u64 minor_faults;
	__u64 major_faults;
	__u64 read_bytes;
	__u64 write_bytes;
};

/*
 * User space sets these before it loads the programs. The verifier treats them as constants and removes the code of
 * unused filters, so such a filter costs nothing.
 */
struct knobs {
	__u32 event_mask; /* bit EVENT_x is set if events of that type are wanted */
	__u32 max_args_bytes;
	__u64 min_duration_ns; /* exits of processes with a shorter life are dropped */
	__u64 cgroup_base_id; /* the cgroup at cgroup_base_level, where the watched path begins */
	__u32 cgroup_base_level;
	__u32 cgroup_level; /* level of the watched cgroup */
	__u32 page_size;
	__u8 filter_pid;
	__u8 filter_uid;
	__u8 filter_comm;
	__u8 filter_cgroup;
	/* Classic tracepoints only: offsets of fields, from the format files of tracefs. */
	__u8 group_dead_known; /* sched_process_exit has group_dead: 6.16 and later */
	__u8 retry; /* BTF tracepoints only: a second program retries what the kernel skips */
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
	__u32 totals_places; /* for groups, in each of the two buffers: a power of two */
	__u32 max_exit_threads; /* MAX_EXIT_THREADS, or fewer */
	__u32 mkdir_root_offset;
	__u32 mkdir_id_offset;
	__u32 mkdir_path_offset; /* of its __data_loc word */
};

/* The BPF programs do not follow longer paths. A power of two. */
#define WATCHED_PATH_LEN 512

/* The cgroup of --cgroup. Both user space and the BPF programs write the id. */
struct watched_cgroup {
	__u64 id;
	__u32 path_length; /* 0: do not follow the path */
	__u32 reserved;
	char path[WATCHED_PATH_LEN]; /* below cgroup_base_id, with a slash at its beginning */
};

/* Only for classic tracepoints, whose events describe single threads: a process that has or had several threads. */
struct thread_group {
	__u32 extra_threads; /* beyond the first; used if sched_process_exit has no group_dead */
	char comm[COMM_LEN]; /* of the leader, and so of the process */
};

/* The counts of a CPU for the detection of storms, see storm-window.h. Only the programs use them. */
struct storm_window {
	__u64 since_ns;
	__u64 events; /* since then */
	__u64 sent_bytes; /* since user space last emptied the rings */
	__u32 drains; /* detail.storms.drains at that time */
	__u32 reserved;
};

/*
 * An element of a memory-mapped array, one per CPU. User space reads it without a system call. For each type
 * seen = filtered + suppressed + folded + emitted.
 */
struct cpu_counters {
	__u64 seen[EVENT_TYPES];     /* events of the tracepoint, without those of threads */
	__u64 emitted[EVENT_TYPES];  /* given to the ring: received + ring_full + no_ring */
	__u64 ring_full[EVENT_TYPES]; /* lost: the ring had no room */
	__u64 no_ring[EVENT_TYPES];  /* lost: the CPU had no ring, or its ring died when it went offline, and the spare ring was full */
	__u64 filtered[EVENT_TYPES]; /* dropped by a filter */
	__u64 suppressed[EVENT_TYPES]; /* counted in a storm instead of sent */
	__u64 folded[EVENT_TYPES]; /* reported in another record, because of the level of detail */
	__u64 retried[EVENT_TYPES];  /* skipped by the kernel and processed by the second program; includes threads */
	__u64 threads_started;
	__u64 threads_exited;
	__u64 no_room[PROCESS_MAPS]; /* processes for which a map had no room or no memory */
	__u64 hotplug_steps; /* steps of this CPU on its way offline or online; if it changes, the ring may be dead */
	__u64 spared; /* records sent to the spare ring, because this CPU had no ring */
	struct storm_window window;
	__u64 reserved_tail[4]; /* 384 bytes, so that CPUs share no cache line */
};

#endif
