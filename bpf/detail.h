/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The level of detail. User space switches it by writing to memory that it shares with the programs. The build reads these
 * structs in the same way as those of process.h.
 */
#ifndef LINNIX_DETAIL_H
#define LINNIX_DETAIL_H

#include "process.h"
#include "storm.h"

enum detail_level {
	DETAIL_EVENTS = 0, /* a record for each fork, exec and exit */
	DETAIL_PROCESSES = 1, /* a record for each process, at its end */
	DETAIL_SUMMARY = 2, /* no records: totals by group */
};

/* Bits of detail.mode. 0: all processes have DETAIL_EVENTS, and the programs add nothing up. */
enum detail_mode {
	MODE_LEVEL = 3, /* the level of processes that are forked now: enum detail_level */
	MODE_SWITCHED = 4, /* earlier processes may have another level, see detail_history */
	MODE_HISTORY = 8, /* which of the two histories is in force */
	MODE_TOTALS = 16, /* add up the processes of the other levels as well */
	MODE_BUFFER = 32, /* to which of the two buffers the programs add */
	MODE_STORMS = 64, /* count the events of a source above a rate instead of sending them, see storms.h */
};

#define DETAIL_SWITCHES 8

/* The level of processes that were forked before the last switches. */
struct detail_history {
	__u64 since_ns[DETAIL_SWITCHES]; /* CLOCK_BOOTTIME, ascending; ~0 if unused */
	__u32 level[DETAIL_SWITCHES]; /* of processes that started at since_ns or later */
	__u32 first_level; /* of processes that started before since_ns[0] */
	__u32 reserved;
};

/*
 * User space writes the history that is not in force, then `mode`. `mode` is one word, so a program that reads it once sees
 * a consistent state.
 */
struct detail {
	__u32 mode; /* enum detail_mode */
	__u32 reserved_head;
	struct storm_limits storms; /* in the cache line of `mode`, because the programs read it at each event */
	struct detail_history history[2];
};

/*
 * Maximum number of names of one cgroup in an interval. CPUs that add names at the same time may exceed it slightly.
 */
#define MAX_COMMS 64
/* Buckets of lifetimes: the first counts lifetimes below 2^11 ns, and the upper bound doubles from bucket to bucket. */
#define LIFETIME_BUCKETS 48
#define FIRST_LIFETIME_BUCKET 10

/*
 * The last two places of a buffer are for processes whose group got no place: the first for processes without records of
 * their own (DETAIL_SUMMARY), the second for processes that records report as well (TOTALS_BESIDE).
 */
#define TOTALS_REST 2

/* Places for processes that have ended but that the kernel has not freed yet; a power of two. */
#define ENDED_TASKS 4096

/* totals.kind */
enum totals_kind {
	TOTALS_OTHER = 1, /* processes of the cgroup whose comm has no place of its own */
	TOTALS_BESIDE = 2, /* processes that records report as well */
	TOTALS_ALL = 4, /* groups that have no place in the buffer */
	TOTALS_KERNEL = 8, /* kernel threads; only with MODE_TOTALS */
};

/*
 * What happened in a group. A group is the processes of one cgroup that have the same name. The programs write to two
 * buffers in turn; user space empties a buffer before the programs get it again.
 */
struct totals {
	__u32 claims; /* 1: one program took the place. More: several tried at the same time, and the place may stay unused */
	__u32 is_ready; /* the key is written */
	__u64 cgroup_id; /* 0: unknown */
	char comm[COMM_LEN]; /* padded with NUL */
	__u32 kind; /* enum totals_kind */
	__u32 comms; /* a count of names of cgroups; it is not about the group at this place: see totals.h */
	__u64 cpu_user_ns;
	__u64 cpu_system_ns;
	__u64 read_bytes;
	__u64 write_bytes;
	/*
	 * The programs compare, then store: atomic operations for a maximum need Linux 5.12. If two processes of a
	 * group end within nanoseconds on two CPUs, the smaller peak may replace the larger one.
	 */
	__u64 peak_rss_bytes;
	__u64 lifetime_ns; /* sum of all lifetimes that `lifetimes` counts */
	__u64 after_exit_ns; /* CPU time that the kernel added to processes after their exit; only with MODE_TOTALS */
	__u32 started;
	__u32 execs;
	__u32 exited_ok;
	__u32 exited_error;
	__u32 exited_signal;
	__u32 exited_unknown; /* this backend does not know the status */
	__u32 lifetimes[LIFETIME_BUCKETS];
};

/* process_event.type of a record that is no event. It lets user space compute the scheduler's clock. */
enum clock_type {
	EVENT_CLOCK = 35,
};

/* The clock of a ring. User space compares it with the time of this record on the scheduler's clock. */
struct clock_event {
	struct process_event p;
	__u64 enabled_ns;
};

/* An element of a memory-mapped array, one per CPU: the scheduler's clock is base_ns + the clock of the CPU's ring. */
struct cpu_clock {
	__u64 base_ns; /* 0: unknown */
	__u64 is_asked; /* user space has requested a clock_event from this CPU */
};

#endif
