/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The result of a look at the list of processes. The build reads these structs in the same way as those of process.h. */
#ifndef LINNIX_NEW_PROCESSES_H
#define LINNIX_NEW_PROCESSES_H

#include "process.h"

/* A process that no look has reported before. */
struct new_process {
	__u32 pid; /* in the reader's pid namespace; 0: the process is not in it */
	__u32 reserved;
	__u64 start_ns; /* since boot */
};

/* The counts of a look. */
struct look_answer {
	__u32 processes; /* live ones */
	__u32 written; /* new ones */
	__u32 is_full; /* the records are full: another look returns the rest */
	__u32 unkept; /* processes that were left out, because there was no memory to store that they were reported */
};

#endif
