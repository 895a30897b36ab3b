/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The names in a storm. */
#ifndef LINNIX_STORM_COMMS_H
#define LINNIX_STORM_COMMS_H

#include "storm-rate.h"

/*
 * In a storm the programs send the exec of a name if the last exec of this name was more than a minute ago: NEW_COMM_S, in
 * units of 2^30 ns. They send at most SENT_EXECS of these execs per second.
 */
#define NEW_COMM_S 56
#define SENT_EXECS 20

/* The place of a name in a storm. Enters the name if there is room, and otherwise returns NO_PLACE. */
__noinline __u32 find_storm_comm(__u32 storm, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 hash = hash_of(0, comm_0, comm_1, 0), free = NO_PLACE;
	struct storm_comm *c;

	if (!t)
		return NO_PLACE;
	for (__u32 i = 0; i < 8; i++) {
		__u32 at = (hash + i) & (STORM_COMMS - 1);
		const __u64 *comm;

		c = &t->comms[at];
		comm = (const __u64 *)c->comm;
		if (comm[0] == comm_0 && comm[1] == comm_1 && LATEST(c->life))
			return at;
		if (free == NO_PLACE && !LATEST(c->life))
			free = at;
	}
	/*
	 * A name that finds no place decrements `life` of another name. A name gets a place only where `life` is 0, so the most
	 * frequent names stay. A process that often renames itself only replaces names that occurred once.
	 */
	if (free == NO_PLACE) {
		c = &t->comms[hash & (STORM_COMMS - 1)];
		if (LATEST(c->life))
			__sync_fetch_and_add(&c->life, -1);
		/* `life` is negative, because two CPUs decremented it from 1. */
		if (LATEST(c->life) >> 31)
			LATEST(c->life) = 0;
		return NO_PLACE;
	}
	c = &t->comms[free & (STORM_COMMS - 1)];
	__sync_fetch_and_add(&c->life, 1);
	if (LATEST(c->life) != 1)
		return NO_PLACE;
	__sync_fetch_and_add(&t->other_comms, c->count);
	c->count = 0;
	c->exec_s = 0;
	((__u64 *)c->comm)[0] = comm_0;
	((__u64 *)c->comm)[1] = comm_1;
	return free;
}

/* Counts a suppressed event in its storm. */
__noinline int count_in_storm(__u32 storm, __u32 type, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 at = find_storm_comm(storm, comm_0, comm_1);

	if (!t || type >= EVENT_TYPES)
		return 0;
	__sync_fetch_and_add(&t->suppressed[type], 1);
	t->last_ns = bpf_ktime_get_boot_ns();
	if (at >= STORM_COMMS) {
		__sync_fetch_and_add(&t->other_comms, 1);
		return 0;
	}
	__sync_fetch_and_add(&t->comms[at].count, 1);
	__sync_fetch_and_add(&t->comms[at].life, 1);
	return 0;
}

/* Whether this is the first exec of a name in a minute and few such execs were sent in this second. */
static __always_inline bool is_first_exec(__u32 storm, __u64 now_ns, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 at = find_storm_comm(storm, comm_0, comm_1);
	__u32 now_s = (now_ns >> 30) + 1, before;

	if (!t)
		return false;
	if (at < STORM_COMMS) {
		before = t->comms[at].exec_s;
		if (before && now_s - before < NEW_COMM_S) {
			t->comms[at].exec_s = now_s;
			return false;
		}
	}
	if (now_ns - t->sent_since_ns >= 1000000000) {
		t->sent_since_ns = now_ns;
		t->sent_execs = 0;
	}
	/* The name stays new until one of its execs is sent. */
	if (t->sent_execs >= SENT_EXECS)
		return false;
	t->sent_execs++;
	if (at < STORM_COMMS)
		t->comms[at].exec_s = now_s;
	return true;
}

#endif
