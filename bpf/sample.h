/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The wire of a sweep: what the sampling programs write. The build reads these structs in the same way as those of process.h.
 */
#ifndef LINNIX_SAMPLE_H
#define LINNIX_SAMPLE_H

#include "process.h"

/* process_event.cpu of a sample that user space read from /proc: the CPU is unknown. */
#define NO_CPU 65535

/* process_event.type of the records of a sweep. Records in rings have other types. */
enum sample_type {
	EVENT_SAMPLE = 32,
	EVENT_SWEEP_END = 33,
};

/* A process that ran since the last sweep, or whose memory changed by more than the threshold. */
struct sample_event {
	struct process_event p; /* cpu: the CPU on which its main thread ran last */
	__u64 runtime_ns; /* of all threads, since the last sweep */
	__u64 rss_bytes;
	__u64 utime_ns; /* since its start; most kernels sample it at ticks; 0 without sample_knobs.splits_modes */
	__u64 stime_ns;
	__u32 threads;
	__u32 reserved;
};

/* The last record of a sweep. It has the same size as the others. */
struct sweep_end {
	__u64 type; /* EVENT_SWEEP_END */
	__u64 processes; /* number of processes that the sweep looked at */
	__u64 left_out_threads; /* threads beyond the limit for one process: their time is missing */
	__u64 unkept; /* live processes without a sample, because the map had no place or no memory for their figures */
	__u64 reserved[12];
};

/* The argument of a walk, and its results besides the records. */
struct walk_request {
	__u64 sweep; /* counts up from 1; the same number if this walk continues a sweep whose records were full */
	__u32 records; /* written */
	__u32 is_full; /* the records are full: another walk returns the rest */
	__u64 walked; /* processes that the walk visited, including zombies */
	struct sweep_end end;
};

/* User space sets these before it loads the programs. */
struct sample_knobs {
	__u64 rss_threshold_bytes;
	__u32 page_size;
	__u32 cpus; /* possible ones */
	__u32 max_threads; /* maximum number of threads of a process whose time is added up; the programs add at most 65,536 */
	__u32 splits_modes; /* whether samples have utime_ns and stime_ns */
};

#endif
