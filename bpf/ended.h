/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The record of an ended process. The level of detail `processes` sends it instead of fork, exec and exit records. */
#ifndef LINNIX_ENDED_H
#define LINNIX_ENDED_H

#include "process.h"

/* process_event.type. The programs count this record as an emitted exit. */
enum ended_type {
	EVENT_PROCESS = 36,
};

/*
 * If x.p.known has IMAGE_HERE, exe_len bytes of path follow, then args_len bytes of arguments. If it has
 * KNOWN_EXEC_COUNT, x.p.ppid and x.p.parent_start_ns are those at birth.
 */
struct ended_event {
	struct exit_event x;
	__u64 born_ns; /* CLOCK_BOOTTIME of its fork; 0: unknown */
	__u32 exec_count;
	__u16 exe_len;
	__u16 args_len;
	__u64 image_start_ns; /* with image_pid: a process with the same image, which user space knows; 0: none */
	__u32 image_pid;
	__u32 reserved_end;
};

#endif
