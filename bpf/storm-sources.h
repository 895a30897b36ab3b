/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The sources whose events the programs count: processes, cgroups, uids and crowds. */
#ifndef LINNIX_STORM_SOURCES_H
#define LINNIX_STORM_SOURCES_H

#include "storm.h"
#include "totals.h"

/* A power of two. */
#define STORM_SOURCES 512
#define SOURCE_PROBES 8
#define NO_SOURCE 0xffffffff
#define ROOT_CGROUP_ID 1
/* A value for the place of a storm: no place was free when the source exceeded the rate. */
#define NO_ROOM 0xfffffffe

struct storm_source {
	__u64 id; /* start_ns of a process (0: unknown), a cgroup id or a uid */
	__u32 pid; /* of a process */
	__u32 kind; /* enum storm_kind; 0: free */
	__u64 due_ns; /* the token bucket is full at this time; if this is more than STORM_WINDOW_NS ahead, the source is above the rate */
	__u64 half_due_ns; /* the same for half of the rate, during a storm */
	__u64 least_due_ns; /* the same for the rate while a ring fills up */
	__u64 until_ns; /* end of its storm */
	__u64 cgroup_id; /* 0: unknown */
	__u32 uid; /* STORM_NO_UID: unknown */
	__u32 storm; /* place of its storm; NO_ROOM: its crowd counts it */
	__u32 generation; /* how often this place was taken */
	__u32 event_ns; /* 1e9 / the rate that its storm exceeded */
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STORM_SOURCES);
	__type(key, __u32);
	__type(value, struct storm_source);
} storm_sources SEC(".maps");

/*
 * Describes the parent of the current process as a source. Each backend defines this. It sets members that it cannot find
 * out to unknown; user space looks for them in its table of processes.
 */
static __always_inline void describe_parent(struct storm_source *s);

/* Whether a source is a process, or processes that descend from one. All other sources are cgroups and uids. */
static __always_inline bool is_of_process(__u32 kind)
{
	return kind == STORM_PROCESS || kind & STORM_CHANGING;
}

/*
 * The place of a source. A new source replaces the least used of the sources that have no storm.
 * @is_current: the source is the current process, or no process
 */
__noinline __u32 find_source(__u32 kind, __u32 pid, __u64 id, __u64 now_ns, __u32 is_current)
{
	__u32 hash = hash_of(id, pid, 0, kind), best = NO_SOURCE;
	__u64 best_due = ~0ULL;
	struct storm_source *s;

	for (__u32 i = 0; i < SOURCE_PROBES; i++) {
		__u32 place = (hash + i) & (STORM_SOURCES - 1);

		s = bpf_map_lookup_elem(&storm_sources, &place);
		if (!s)
			return NO_SOURCE;
		if (s->kind == kind && s->pid == pid && s->id == id)
			return place;
		if (now_ns < s->until_ns && s->storm != NO_ROOM)
			continue;
		if (s->due_ns < best_due) {
			best_due = s->due_ns;
			best = place;
		}
	}
	s = bpf_map_lookup_elem(&storm_sources, &best);
	if (!s)
		return NO_SOURCE;
	s->kind = 0;
	barrier();
	s->generation++;
	s->id = id;
	s->pid = pid;
	s->due_ns = 0;
	s->least_due_ns = 0;
	s->until_ns = 0;
	if (is_current) {
		s->uid = bpf_get_current_uid_gid();
		s->cgroup_id = bpf_get_current_cgroup_id();
		bpf_get_current_comm(s->comm, sizeof(s->comm));
	} else {
		describe_parent(s);
	}
	/* The current process may be a reaper, whose uid and cgroup differ from those of its child. */
	if ((kind & STORM_UID) == STORM_UID)
		s->uid = id;
	else if (kind & STORM_CGROUP)
		s->cgroup_id = id;
	barrier();
	s->kind = kind;
	return best;
}

#endif
