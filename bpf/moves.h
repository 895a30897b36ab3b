/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Processes that were moved to another cgroup v1 a short while ago: what the kernel half and user space share. */
#ifndef LINNIX_MOVES_H
#define LINNIX_MOVES_H

/* The oldest has to go for the newest. A runtime moves a container's first process in each of a dozen hierarchies. */
#define MOVES 512
/* Of a longer one the path is empty: user space reads /proc. */
#define MOVE_PATH_LEN 480

struct move {
	__u64 number; /* from 1 on, in order; 0: none, or being written */
	__u64 ts_ns; /* when, CLOCK_BOOTTIME */
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME */
	__u32 pid;
	__u32 hierarchy; /* its number, as in /proc/PID/cgroup */
	char path[MOVE_PATH_LEN]; /* from the root of its hierarchy, ended by NUL */
};

#endif
