/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The level of detail of a process. */
#ifndef LINNIX_LEVEL_H
#define LINNIX_LEVEL_H

#include "detail.h"
#include "maps.h"

/* In its own section, which becomes a map that user space maps into its memory. Not static, so that BTF has its name. */
volatile struct detail detail SEC(".data.detail") = {};

enum detail_level *unused_level __attribute__((unused));
enum detail_mode *unused_mode __attribute__((unused));

/* A program reads this once per event. At the default level the mode is 0, and the levels cost only this read. */
static __always_inline __u32 detail_mode(void)
{
	return detail.mode;
}

/*
 * The level of a process. A process keeps the level that was in force when it was forked. The function finds that level by
 * the start time of the process, so that nothing has to be stored for each process.
 */
static __always_inline enum detail_level level_at(__u32 mode, __u64 start_ns)
{
	volatile struct detail_history *history;
	__u32 level;

	if (!(mode & MODE_SWITCHED))
		return mode & MODE_LEVEL;
	history = mode & MODE_HISTORY ? &detail.history[1] : &detail.history[0];
	level = history->first_level;
	for (int i = 0; i < DETAIL_SWITCHES; i++) {
		if (start_ns >= history->since_ns[i])
			level = history->level[i];
	}
	return level & MODE_LEVEL;
}

#endif
