/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The level of detail, which user space switches by writing to memory that it shares with the programs. The build reads
 * these structs as it does those of process.h.
 */
#ifndef LINNIX_DETAIL_H
#define LINNIX_DETAIL_H

#include "process.h"

enum detail_level {
	DETAIL_EVENTS = 0, /* a record for each fork, exec and exit */
	DETAIL_PROCESSES = 1, /* a record for each process, at its end */
	DETAIL_SUMMARY = 2, /* no records: totals by group */
};

/* detail.mode. 0: all processes have DETAIL_EVENTS, and nothing is added up. */
enum detail_mode {
	MODE_LEVEL = 3, /* of processes that are forked now: enum detail_level */
	MODE_SWITCHED = 4, /* others may have another one, see detail_history */
	MODE_HISTORY = 8, /* which of both histories counts */
	MODE_TOTALS = 16, /* processes of the other levels are added up as well */
	MODE_BUFFER = 32, /* which of both buffers takes the totals */
	MODE_STORMS = 64, /* sources are limited, see storms.h */
};

#define DETAIL_SWITCHES 8

/* Which level processes have that were forked at other times. */
struct detail_history {
	__u64 since_ns[DETAIL_SWITCHES]; /* CLOCK_BOOTTIME, ascending; unused ones are the latest time that there is */
	__u32 level[DETAIL_SWITCHES]; /* of processes that started since then */
	__u32 first_level; /* of processes that started before since_ns[0] */
	__u32 reserved;
};

/*
 * User space writes the history that does not count, then `mode`, which is one word: a program that has read it once
 * sees one state.
 */
struct detail {
	__u32 mode; /* enum detail_mode */
	__u32 reserved_head;
	struct detail_history history[2];
};

/* Of one cgroup in an interval, as far as the kernel side can say: CPUs that enter one at the same time may pass it by one. */
#define MAX_COMMS 64
/* Buckets of lifetimes: the first holds those of less than 2^11 ns, each next one twice as long ones. */
#define LIFETIME_BUCKETS 48
#define FIRST_LIFETIME_BUCKET 10

/* The last two places of a buffer take what has no place: of other processes, and of those that records report as well. */
#define TOTALS_REST 2

/* Places for processes that have ended and that the kernel has not freed yet; a power of two. */
#define ENDED_TASKS 4096

/* totals.kind */
enum totals_kind {
	TOTALS_OTHER = 1, /* of comms of the cgroup that have no place of their own */
	TOTALS_BESIDE = 2, /* of processes that are reported by records as well */
	TOTALS_ALL = 4, /* of groups that have no place in the buffer */
	TOTALS_KERNEL = 8, /* of kernel threads; only with MODE_TOTALS */
};

/*
 * What happened in a group: processes of one cgroup and name. Two buffers take turns; user space empties one before the
 * programs get it again.
 */
struct totals {
	__u32 claims; /* 1: taken by a program. More: by none, because two wanted it at the same time */
	__u32 is_ready; /* the key is written */
	__u64 cgroup_id; /* 0: not known */
	char comm[COMM_LEN]; /* NUL up to its end */
	__u32 kind; /* enum totals_kind */
	__u32 comms; /* names of cgroups that are counted here, whatever group is: see totals.h */
	__u64 cpu_user_ns;
	__u64 cpu_system_ns;
	__u64 read_bytes;
	__u64 write_bytes;
	/*
	 * Compared, then stored: BPF has an atomic maximum since 5.12 only. If two processes of a group end within nanoseconds
	 * on two CPUs, the smaller peak may replace the larger one.
	 */
	__u64 peak_rss_bytes;
	__u64 lifetime_ns; /* sum of all lifetimes that `lifetimes` counts */
	__u64 after_exit_ns; /* CPU time of processes after their end was counted; only with MODE_TOTALS */
	__u32 started;
	__u32 execs;
	__u32 exited_ok;
	__u32 exited_error;
	__u32 exited_signal;
	__u32 exited_unknown; /* this backend does not know how */
	__u32 lifetimes[LIFETIME_BUCKETS];
};

/* process_event.type of what only serves to read the other records. */
enum clock_type {
	EVENT_CLOCK = 35,
};

/* A ring's own clock, to be compared with the time of this record on the scheduler's clock. */
struct clock_event {
	struct process_event p;
	__u64 enabled_ns;
};

/* One a CPU, in a memory-mapped array: the scheduler's clock is base_ns + the clock of the CPU's ring. */
struct cpu_clock {
	__u64 base_ns; /* 0: not known */
	__u64 is_asked; /* user space wants a clock_event of this CPU */
};

#endif
