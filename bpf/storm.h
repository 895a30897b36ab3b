/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Storms, as the programs and user space share them. The build reads these structs as it does those of process.h. */
#ifndef LINNIX_STORM_H
#define LINNIX_STORM_H

#include "process.h"

/* Written by user space before detail.mode gets MODE_STORMS; what the programs write is theirs alone. */
struct storm_limits {
	__u32 event_ns; /* 1e9 / the rate of a source; 0: no limit */
	__u32 cpu_share; /* events of one CPU in STORM_WINDOW_NS, up to which no source can be above its rate */
	__u64 busy_until_ns; /* by the programs: sources are watched until then, CLOCK_BOOTTIME */
	__u32 epoch; /* by the programs: counts the times in which sources are watched */
	__u32 drains; /* counts how often user space has emptied the rings */
	__u32 ring_share; /* bytes of a ring with which it counts as filling up: sources are limited further; 0: never */
	__u32 reserved;
};

/* What a bucket holds, and the window in which a CPU counts its events. */
#define STORM_WINDOW_NS 50000000
/* A storm ends when its source was below half of the rate for this long. */
#define STORM_CALM_NS 2000000000
/* Storms that are counted at a time. */
#define STORM_PLACES 64
/* Processes whose source is kept, a power of two: a pid has 14 bits of place, and 8 above them. */
#define STORM_BIRTHS 16384
/* Names of one storm, a power of two. */
#define STORM_COMMS 64

/* storm.kind */
enum storm_kind {
	STORM_PROCESS = 1,
	STORM_CGROUP = 2,
	STORM_UID = 3,
	STORM_CHANGING = 4, /* beside STORM_CGROUP and STORM_UID: of processes whose forkers change all the time */
};

struct storm_comm {
	char comm[COMM_LEN]; /* NUL up to its end */
	__u32 count; /* suppressed events */
	__u32 life; /* 0: the place is free. See storms.h */
	__u32 exec_s; /* when it was executed last, in units of 2^30 ns; 0: never */
	__u32 reserved;
};

/* A storm. User space empties the place of one that is over. */
struct storm {
	__u32 claims; /* 1: taken by a program. More: by none, because two wanted it at the same time */
	__u32 is_ready;
	__u32 kind; /* enum storm_kind */
	__u32 pid; /* of a process */
	__u64 start_ns; /* of a process; 0: not known */
	__u64 cgroup_id;
	__u32 uid;
	__u32 sent_execs; /* in the second that began at sent_since_ns */
	__u64 sent_since_ns;
	__u64 since_ns; /* CLOCK_BOOTTIME */
	__u64 until_ns; /* over then, if nothing more happens */
	__u64 last_ns; /* of the last event that was suppressed */
	__u64 suppressed[EVENT_TYPES];
	__u64 cpu_user_ns; /* of suppressed exits */
	__u64 cpu_system_ns;
	__u64 exited_ok;
	__u64 exited_error;
	__u64 exited_signal;
	__u64 exited_unknown; /* this backend does not know how */
	__u64 other_comms; /* suppressed events of names without a place */
	char comm[COMM_LEN]; /* of the source, where it is known */
	struct storm_comm comms[STORM_COMMS];
};

#endif
