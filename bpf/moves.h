/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The last moves of processes to other v1 cgroups. The BPF program writes the moves, and user space reads them. */
#ifndef LINNIX_MOVES_H
#define LINNIX_MOVES_H

/* A new move replaces the oldest one. The start of a container takes about a dozen entries, one per hierarchy. */
#define MOVES 512
/* A longer path is stored as an empty one: user space reads /proc then. */
#define MOVE_PATH_LEN 480

struct move {
	__u64 number; /* counts up from 1; 0: the entry is empty or being written */
	__u64 ts_ns; /* time of the move, CLOCK_BOOTTIME */
	__u64 start_ns; /* of the process, CLOCK_BOOTTIME */
	__u32 pid;
	__u32 hierarchy; /* its number, as in /proc/PID/cgroup */
	char path[MOVE_PATH_LEN]; /* from the root of its hierarchy, NUL-terminated */
};

#endif
