/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Storms: what the programs and user space share. The build reads these structs in the same way as those of process.h. */
#ifndef LINNIX_STORM_H
#define LINNIX_STORM_H

#include "process.h"

/* User space writes this before it sets MODE_STORMS in detail.mode, except for the members that the programs write. */
struct storm_limits {
	__u32 event_ns; /* 1e9 / the highest rate of a source; 0: no limit */
	__u32 cpu_share; /* limit for the events of one CPU in STORM_WINDOW_NS: below it, no source can be above its rate */
	__u64 busy_until_ns; /* written by the programs: they watch sources until then, CLOCK_BOOTTIME */
	__u32 epoch; /* written by the programs: counts the periods in which they watch sources */
	__u32 drains; /* counts how often user space has emptied the rings */
	__u32 ring_share; /* bytes in a ring above which it is filling up, and sources get a lower limit; 0: never */
	__u32 reserved;
};

/* The size of the token bucket of a source, and the window in which a CPU counts its events. */
#define STORM_WINDOW_NS 50000000
/* A storm ends when its source has been below half of the rate for this long. */
#define STORM_CALM_NS 2000000000
/*
 * Maximum number of storms at the same time. A process may take only one of the first STORM_PROCESS_PLACES places. The
 * last place is for the crowd of the root cgroup.
 */
#define STORM_PLACES 64
#define STORM_PROCESS_PLACES 48
/*
 * Number of processes whose source is stored; a power of two. The lower 14 bits of a pid are the place of its process, and
 * the word at that place contains the next 8 bits of the pid.
 */
#define STORM_BIRTHS 16384
/* Names in one storm; a power of two. */
#define STORM_COMMS 64

/* storm.uid: no user has this uid. */
#define STORM_NO_UID 0xffffffff

/* storm.kind */
enum storm_kind {
	STORM_PROCESS = 1,
	STORM_CGROUP = 2,
	STORM_UID = 3,
	STORM_CHANGING = 4, /* a flag with STORM_CGROUP and STORM_UID: processes with changing forkers, see storms.h */
	STORM_CROWD = 8, /* a flag with STORM_CGROUP and STORM_UID: sources that find no place for a storm of their own */
};

struct storm_comm {
	char comm[COMM_LEN]; /* padded with NUL */
	__u32 count; /* suppressed events */
	__u32 life; /* 0: the place is free. See find_storm_comm() in storm-comms.h */
	__u32 exec_s; /* time of the last exec, in units of 2^30 ns; 0: none */
	__u32 reserved;
};

/* A storm. User space frees the place of a storm that has ended. */
struct storm {
	__u32 claims; /* 1: one program took the place. More: several tried at the same time, and the place may stay unused */
	__u32 is_ready;
	__u32 kind; /* enum storm_kind */
	__u32 pid; /* of a process */
	__u64 start_ns; /* of a process; 0: unknown */
	__u64 cgroup_id; /* 0: unknown */
	__u32 uid; /* STORM_NO_UID: unknown */
	__u32 sent_execs; /* execs sent in the second that began at sent_since_ns */
	__u64 sent_since_ns;
	__u64 since_ns; /* CLOCK_BOOTTIME */
	__u64 until_ns; /* the storm ends then, unless it goes on */
	__u64 last_ns; /* time of the last suppressed event */
	__u64 suppressed[EVENT_TYPES];
	__u64 cpu_user_ns; /* of suppressed exits */
	__u64 cpu_system_ns;
	__u64 exited_ok;
	__u64 exited_error;
	__u64 exited_signal;
	__u64 exited_unknown; /* this backend does not know the status */
	__u64 other_comms; /* suppressed events whose name has no place */
	char comm[COMM_LEN]; /* of the source, if known */
	struct storm_comm comms[STORM_COMMS];
};

#endif
