/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The rate of a source, and the place of its storm if the source is above the rate.
 *
 * If a source above the rate finds no place for its storm, the storm of its crowd counts its events. There is one crowd for
 * each cgroup, and in the root cgroup for each uid. A crowd is a source to which no event belongs. It only provides the
 * place of a storm to sources that are above the rate themselves.
 */
#ifndef LINNIX_STORM_RATE_H
#define LINNIX_STORM_RATE_H

#include "storm-sources.h"
#include "storm-window.h"

enum storm_kind *unused_storm_kind __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STORM_PLACES);
	__type(key, __u32);
	__type(value, struct storm);
} storms SEC(".maps");

_Static_assert(sizeof(struct storm) % 8 == 0, "an element of a mapped array is a multiple of 8 bytes");

/* Takes a free place for a storm, at `place` or later and before `end`. Returns NO_ROOM if there is none. */
static __always_inline __u32 take_storm(__u32 place, __u32 end)
{
	for (__u32 i = 0; i < STORM_PLACES && place < end; i++, place++) {
		struct storm *storm = bpf_map_lookup_elem(&storms, &place);

		if (!storm)
			break;
		if (LATEST(storm->claims))
			continue;
		__sync_fetch_and_add(&storm->claims, 1);
		if (LATEST(storm->claims) == 1)
			return place;
	}
	return NO_ROOM;
}

/* Begins the storm of a source. Returns its place, or NO_ROOM. */
__noinline __u32 begin_storm(__u32 source, __u64 now_ns)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u32 place = 0, end = STORM_PROCESS_PLACES;
	struct storm *storm;

	if (!s)
		return NO_ROOM;
	if (!is_of_process(s->kind)) {
		place = STORM_PROCESS_PLACES;
		/* Only the crowd of the root cgroup may take the last place. */
		end = STORM_PLACES - (s->kind != (STORM_CGROUP | STORM_CROWD) || s->id != ROOT_CGROUP_ID);
	}
	place = take_storm(place, end);
	storm = bpf_map_lookup_elem(&storms, &place);
	if (storm) {
		storm->kind = s->kind;
		storm->pid = s->kind == STORM_PROCESS ? s->pid : 0;
		storm->start_ns = s->kind == STORM_PROCESS ? s->id : 0;
		storm->cgroup_id = s->cgroup_id;
		storm->uid = s->uid;
		__builtin_memcpy(storm->comm, s->comm, COMM_LEN);
		storm->since_ns = now_ns;
		storm->until_ns = now_ns + STORM_CALM_NS;
		barrier();
		LATEST(storm->is_ready) = 1;
	}
	s->storm = place;
	s->half_due_ns = now_ns;
	barrier();
	LATEST(s->until_ns) = now_ns + STORM_CALM_NS;
	stay_busy(now_ns, BUSY_AFTER_STORM_NS);
	return place;
}

/* 1e9 / the rate of a source while a ring fills up. */
#define LEAST_EVENT_NS 1000000

/* Counts an event. Returns whether the ring of this CPU is filling up and the source is above the rate for that case. */
static __always_inline bool is_over_least(struct storm_source *s, __u64 now_ns)
{
	struct storm_window *window = this_window();

	if (LATEST(s->least_due_ns) < now_ns)
		LATEST(s->least_due_ns) = now_ns;
	if (LATEST(s->least_due_ns) <= now_ns + STORM_WINDOW_NS) {
		__sync_fetch_and_add(&s->least_due_ns, LEAST_EVENT_NS);
		return false;
	}
	return window && is_filling(window);
}

/*
 * Counts one more event of a source. Returns the place of its storm, NO_PLACE if it has no storm, or NO_ROOM.
 * @is_over: the source is above the rate, whatever its token bucket says
 */
__noinline __u32 charge_source(__u32 source, __u64 now_ns, __u32 is_over)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u32 event_ns = detail.storms.event_ns, place;
	struct storm *storm;

	if (!s || !event_ns)
		return NO_PLACE;
	if (LATEST(s->due_ns) < now_ns)
		LATEST(s->due_ns) = now_ns;
	if (LATEST(s->due_ns) > now_ns + STORM_WINDOW_NS)
		is_over = 1;
	else
		__sync_fetch_and_add(&s->due_ns, event_ns);
	if (now_ns >= LATEST(s->until_ns)) {
		s->event_ns = event_ns;
		if (!is_over && detail.storms.ring_share && is_over_least(s, now_ns)) {
			is_over = 1;
			s->event_ns = LEAST_EVENT_NS;
		}
		return is_over ? begin_storm(source, now_ns) : NO_PLACE;
	}
	if (LATEST(s->half_due_ns) < now_ns)
		LATEST(s->half_due_ns) = now_ns;
	place = s->storm;
	if (LATEST(s->half_due_ns) <= now_ns + STORM_WINDOW_NS) {
		__sync_fetch_and_add(&s->half_due_ns, 2 * (__u64)s->event_ns);
		return place;
	}
	/*
	 * This does not update until_ns at each event, because other CPUs read it. It updates the copy in `storm` first, because
	 * user space frees the place some time after the time in this copy.
	 */
	if (LATEST(s->until_ns) < now_ns + STORM_CALM_NS - BUSY_STEP_NS) {
		storm = bpf_map_lookup_elem(&storms, &place);
		if (storm)
			LATEST(storm->until_ns) = now_ns + STORM_CALM_NS;
		barrier();
		LATEST(s->until_ns) = now_ns + STORM_CALM_NS;
		stay_busy(now_ns, BUSY_AFTER_STORM_NS);
	}
	return place;
}

/* Counts one more event of a source. Returns the place of the storm that counts it, or NO_PLACE if the event is sent. */
__noinline __u32 charge(__u32 source, __u64 now_ns)
{
	__u32 place = charge_source(source, now_ns, 0), crowd;
	__u64 cgroup_id;

	if (place != NO_ROOM)
		return place;
	cgroup_id = bpf_get_current_cgroup_id();
	if (cgroup_id > ROOT_CGROUP_ID)
		crowd = find_source(STORM_CGROUP | STORM_CROWD, 0, cgroup_id, now_ns, 1);
	else
		crowd = find_source(STORM_UID | STORM_CROWD, 0, (__u32)bpf_get_current_uid_gid(), now_ns, 1);
	place = charge_source(crowd, now_ns, 1);
	if (place == NO_ROOM) {
		/* There are more crowds than places. */
		crowd = find_source(STORM_CGROUP | STORM_CROWD, 0, ROOT_CGROUP_ID, now_ns, 1);
		place = charge_source(crowd, now_ns, 1);
	}
	return place == NO_ROOM ? NO_PLACE : place;
}

#endif
