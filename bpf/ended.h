/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The record of a process at its end: what the level of detail `processes` sends in place of fork, exec and exit. */
#ifndef LINNIX_ENDED_H
#define LINNIX_ENDED_H

#include "process.h"

/* process_event.type. The kernel side counts it as an exit that is emitted. */
enum ended_type {
	EVENT_PROCESS = 36,
};

/*
 * Followed by exe_len bytes of path, then args_len bytes of arguments, where x.p.known has IMAGE_HERE. x.p.ppid and
 * x.p.parent_start_ns are those at birth where KNOWN_EXEC_COUNT is set.
 */
struct ended_event {
	struct exit_event x;
	__u64 born_ns; /* CLOCK_BOOTTIME of its fork; 0: not known */
	__u32 exec_count;
	__u16 exe_len;
	__u16 args_len;
	__u64 image_start_ns; /* with image_pid: the process that has the same image, which user space knows; 0: none */
	__u32 image_pid;
	__u32 reserved_end;
};

#endif
