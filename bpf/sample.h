/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What the sampling iterator writes: the wire of a sweep. The build reads these
 * structs as it does those of process.h.
 */
#ifndef LINNIX_SAMPLE_H
#define LINNIX_SAMPLE_H

#include "process.h"

/* process_event.cpu of a sample from elsewhere than the kernel side, which cannot tell. */
#define NO_CPU 65535

/* process_event.type of what a sweep writes; apart from the types that rings carry. */
enum sample_type {
	EVENT_SAMPLE = 32,
	EVENT_SWEEP_END = 33,
};

/* A process that ran since the last sweep, or whose memory moved by more than the threshold. */
struct sample_event {
	struct process_event p; /* cpu: where its main thread ran last */
	__u64 runtime_ns; /* of all threads, since the last sweep */
	__u64 rss_bytes;
	__u64 utime_ns; /* since its start, by the kernel's own sampling; 0 without sample_knobs.splits_modes */
	__u64 stime_ns;
	__u32 threads;
	__u32 reserved;
};

/* The last record of a sweep, as long as the others. */
struct sweep_end {
	__u64 type; /* EVENT_SWEEP_END */
	__u64 processes; /* that were looked at */
	__u64 left_out_threads; /* beyond what is walked of one process: their time is missing */
	__u64 unkept; /* live processes that are left out: no place for their figures in the map, or no memory */
	__u64 reserved[12];
};

/* What a walk is told, and what it tells besides its records. */
struct walk_request {
	__u64 sweep; /* 1 and up; the same again while there was no room for all */
	__u32 records; /* written */
	__u32 is_full; /* the rest has to be asked for */
	__u64 walked; /* processes that the walk came by, zombies among them */
	struct sweep_end end;
};

/* Set before load. */
struct sample_knobs {
	__u64 rss_threshold_bytes;
	__u32 page_size;
	__u32 cpus; /* possible ones */
	__u32 max_threads; /* of one process whose time is added up; as many as the program can, at most */
	__u32 splits_modes; /* whether samples carry utime_ns and stime_ns */
};

#endif
