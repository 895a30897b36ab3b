/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a look at the list of processes tells. The build reads these structs as it does those of process.h. */
#ifndef LINNIX_NEW_PROCESSES_H
#define LINNIX_NEW_PROCESSES_H

#include "process.h"

/* A process that no look has told of before. */
struct new_process {
	__u32 pid; /* in the reader's pid namespace; 0: it is not in there */
	__u32 reserved;
	__u64 start_ns; /* since boot */
};

/* What a look answers besides. */
struct look_answer {
	__u32 processes; /* that live */
	__u32 written; /* new ones */
	__u32 is_full; /* the rest of the new ones has to be asked for */
	__u32 unkept; /* for which there was no room to keep that they were told of: not told of */
};

#endif
