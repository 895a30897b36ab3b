/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The programs watch sources for a while after a CPU exceeded its share of the rate, after a ring filled up, and after a
 * storm.
 */
#ifndef LINNIX_STORM_WINDOW_H
#define LINNIX_STORM_WINDOW_H

#include "level.h"
#include "maps.h"
#include "storm.h"

/* How long the programs watch sources after a CPU exceeded its share or its ring filled up, and after a storm. */
#define BUSY_NS 1000000000
#define BUSY_AFTER_STORM_NS 10000000000ULL
/* The programs do not write busy_until_ns to extend it by less than this. */
#define BUSY_STEP_NS 100000000

static __always_inline void stay_busy(__u64 now_ns, __u64 for_ns)
{
	__u64 until = detail.storms.busy_until_ns;

	if (now_ns >= until)
		detail.storms.epoch++;
	if (now_ns + for_ns >= until + BUSY_STEP_NS)
		detail.storms.busy_until_ns = now_ns + for_ns;
}

static __always_inline struct storm_window *this_window(void)
{
	struct cpu_counters *c = cpu_counters();

	return c ? &c->window : NULL;
}

/* Bytes that a record takes in a ring in addition to its own. */
#define RECORD_HEAD 24

/* Adds the bytes of a record that a program sends. */
static __always_inline void note_sent(__u32 mode, __u64 bytes)
{
	struct storm_window *window;

	if (!(mode & MODE_STORMS))
		return;
	window = this_window();
	if (!window)
		return;
	if (window->drains != detail.storms.drains) {
		window->drains = detail.storms.drains;
		window->sent_bytes = 0;
	}
	window->sent_bytes += bytes + RECORD_HEAD;
}

/* Whether the ring of this CPU is filling up, because user space does not empty it in time. */
static __always_inline bool is_filling(const struct storm_window *window)
{
	__u32 share = detail.storms.ring_share;

	return share && window->sent_bytes >= share && window->drains == detail.storms.drains;
}

/* Counts an event of this CPU. Returns whether the programs watch sources now. */
static __always_inline bool watches_sources(__u64 now_ns)
{
	struct storm_window *window = this_window();

	if (!window)
		return false;
	if (now_ns - window->since_ns >= STORM_WINDOW_NS) {
		window->since_ns = now_ns;
		window->events = 0;
	}
	if (++window->events > detail.storms.cpu_share || is_filling(window)) {
		stay_busy(now_ns, BUSY_NS);
		return true;
	}
	return now_ns < detail.storms.busy_until_ns;
}

#endif
