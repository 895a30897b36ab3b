/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The level of detail, which user space switches by writing to memory that it shares with the programs. The build reads
 * these structs as it does those of process.h.
 */
#ifndef LINNIX_DETAIL_H
#define LINNIX_DETAIL_H

#include "process.h"

enum detail_level {
	DETAIL_EVENTS = 0, /* a record for each fork, exec and exit */
	DETAIL_PROCESSES = 1, /* a record for each process, at its end */
	DETAIL_SUMMARY = 2, /* no records: totals by group */
};

/* detail.mode. 0: all processes have DETAIL_EVENTS, and nothing is added up. */
enum detail_mode {
	MODE_LEVEL = 3, /* of processes that are forked now: enum detail_level */
	MODE_SWITCHED = 4, /* others may have another one, see detail_history */
	MODE_HISTORY = 8, /* which of both histories counts */
	MODE_TOTALS = 16, /* processes of the other levels are added up as well */
	MODE_BUFFER = 32, /* which of both buffers takes the totals */
};

#define DETAIL_SWITCHES 8

/* Which level processes have that were forked at other times. */
struct detail_history {
	__u64 since_ns[DETAIL_SWITCHES]; /* CLOCK_BOOTTIME, ascending; unused ones are the latest time that there is */
	__u32 level[DETAIL_SWITCHES]; /* of processes that started since then */
	__u32 first_level; /* of processes that started before since_ns[0] */
	__u32 reserved;
};

/*
 * User space writes the history that does not count, then `mode`, which is one word: a program that has read it once
 * sees one state.
 */
struct detail {
	__u32 mode; /* enum detail_mode */
	__u32 reserved_head;
	struct detail_history history[2];
};

#endif
