/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Adds processes up by cgroup and name.
 *
 * The groups are in a memory-mapped array that is used as a hash table, not in a hash map: user space reads and empties it
 * without a system call, which some kernels refuse after root was given up, and no lock is taken. A place is taken without
 * an atomic exchange, which BPF has since 5.12 only: of programs that count up `claims` at the same time, at most one reads
 * 1 after it. Where none does, the place stays unused until the buffer is emptied. Programs that enter the same group at
 * the same time may take two places for it; user space adds these up.
 *
 * How many names a cgroup has is counted at two places that its id points to, whatever group is there. Other cgroups may
 * count at one of them as well, so the smaller count holds. Only a cgroup with too many names takes a place for its rest.
 */
#ifndef LINNIX_TOTALS_H
#define LINNIX_TOTALS_H

#include "detail.h"
#include "level.h"
#include "maps.h"

/* Places that are looked at for a group. */
#define TOTALS_PROBES 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to both buffers: 2 * (totals_places + TOTALS_REST) */
	__type(key, __u32);
	__type(value, struct totals);
} totals SEC(".maps");

enum totals_kind *unused_kind __attribute__((unused));

_Static_assert(sizeof(struct totals) == 312, "an element of a mapped array is a multiple of 8 bytes");

#define LATEST(member) (*(volatile typeof(member) *)&(member))

static __always_inline __u32 hash_of(__u64 cgroup_id, __u64 comm_0, __u64 comm_1, __u32 kind)
{
	__u64 hash = cgroup_id * 0x9e3779b97f4a7c15ULL;

	hash = (hash ^ comm_0 ^ kind) * 0xff51afd7ed558ccdULL;
	hash = (hash ^ hash >> 32 ^ comm_1) * 0xc4ceb9fe1a85ec53ULL;
	return hash >> 32;
}

static __always_inline bool is_of(const struct totals *t, __u64 cgroup_id, __u64 comm_0, __u64 comm_1, __u32 kind)
{
	const __u64 *comm = (const __u64 *)t->comm;

	return t->cgroup_id == cgroup_id && comm[0] == comm_0 && comm[1] == comm_1 && t->kind == kind;
}

/* Beside the place where a buffer begins: a group that has no place may take one. */
#define TAKES 0x80000000
#define NO_PLACE 0xffffffff

/*
 * The place of a group; NO_PLACE: it has none, and is to be given none or there is none.
 *
 * Not static, so that the verifier looks at it once, and not on each way to each call: that took half a second of each
 * start. It takes and returns plain numbers only, as kernels before 5.13 demand of such a function.
 */
__noinline __u32 find_place(__u64 cgroup_id, __u64 comm_0, __u64 comm_1, __u32 kind, __u32 buffer)
{
	__u32 hash = hash_of(cgroup_id, comm_0, comm_1, kind);

	for (__u32 i = 0; i < TOTALS_PROBES; i++) {
		__u32 index = (buffer & ~TAKES) + ((hash + i) & (knobs.totals_places - 1));
		struct totals *t = bpf_map_lookup_elem(&totals, &index);

		if (!t)
			return NO_PLACE;
		if (LATEST(t->is_ready)) {
			if (is_of(t, cgroup_id, comm_0, comm_1, kind))
				return index;
			continue;
		}
		if (LATEST(t->claims))
			continue;
		if (!(buffer & TAKES))
			return NO_PLACE;
		__sync_fetch_and_add(&t->claims, 1);
		if (LATEST(t->claims) != 1)
			continue;
		t->cgroup_id = cgroup_id;
		((__u64 *)t->comm)[0] = comm_0;
		((__u64 *)t->comm)[1] = comm_1;
		t->kind = kind;
		barrier();
		LATEST(t->is_ready) = 1;
		return index;
	}
	return NO_PLACE;
}

/* Where the names of a cgroup are counted. `second` is NULL if both places are the same. */
struct name_counts {
	struct totals *first;
	struct totals *second;
};

/* @hash: of the group of the cgroup's rest */
static __always_inline bool find_name_counts(__u32 hash, __u32 buffer, struct name_counts *counts)
{
	__u32 mask = knobs.totals_places - 1;
	__u32 first = hash & mask, second = (first ^ (hash >> 16 | 1)) & mask;
	__u32 index = buffer + first;

	counts->first = bpf_map_lookup_elem(&totals, &index);
	index = buffer + second;
	counts->second = second == first ? NULL : bpf_map_lookup_elem(&totals, &index);
	return counts->first;
}

static __always_inline bool has_max_names(const struct name_counts *counts)
{
	return LATEST(counts->first->comms) >= MAX_COMMS && (!counts->second || LATEST(counts->second->comms) >= MAX_COMMS);
}

static __always_inline void count_name(const struct name_counts *counts)
{
	__sync_fetch_and_add(&counts->first->comms, 1);
	if (counts->second)
		__sync_fetch_and_add(&counts->second->comms, 1);
}

/* What kind of group a process is in. */
static __always_inline __u32 kind_of(__u32 mode, enum detail_level level, bool is_kernel)
{
	__u32 kind = level == DETAIL_SUMMARY ? 0 : TOTALS_BESIDE;

	return mode & MODE_TOTALS && is_kernel ? kind | TOTALS_KERNEL : kind;
}

/*
 * The place of a group that has none yet. A cgroup that has MAX_COMMS names already gets no more, so that one that renames
 * its processes does not take the places of others.
 */
__noinline __u32 take_place(__u64 cgroup_id, __u64 comm_0, __u64 comm_1, __u32 kind, __u32 buffer)
{
	struct name_counts counts;
	__u32 place;

	if (!find_name_counts(hash_of(cgroup_id, 0, 0, kind | TOTALS_OTHER), buffer, &counts))
		return NO_PLACE;
	if (has_max_names(&counts))
		return find_place(cgroup_id, 0, 0, kind | TOTALS_OTHER, buffer | TAKES);
	place = find_place(cgroup_id, comm_0, comm_1, kind, buffer | TAKES);
	if (place != NO_PLACE)
		count_name(&counts);
	return place;
}

/* The group of a process. */
static __always_inline struct totals *find_totals(__u32 mode, __u32 kind, __u64 cgroup_id, const char *name)
{
	__u32 buffer = mode & MODE_BUFFER ? knobs.totals_places + TOTALS_REST : 0;
	__u64 comm[COMM_LEN / 8] = {};
	__u32 place;

	/* A comm may have anything behind its NUL; a key may not. */
	bpf_probe_read_kernel_str(comm, COMM_LEN, name);
	place = find_place(cgroup_id, comm[0], comm[1], kind, buffer);
	if (place == NO_PLACE)
		place = take_place(cgroup_id, comm[0], comm[1], kind, buffer);
	if (place == NO_PLACE)
		place = buffer + knobs.totals_places + (kind & TOTALS_BESIDE ? 1 : 0);
	return bpf_map_lookup_elem(&totals, &place);
}

static __always_inline bool adds_up(__u32 mode, enum detail_level level)
{
	return level == DETAIL_SUMMARY || mode & MODE_TOTALS;
}

static __always_inline void add_started(__u32 mode, __u32 kind, const struct process_event *e)
{
	struct totals *t = find_totals(mode, kind, e->cgroup_id, e->comm);

	if (t)
		__sync_fetch_and_add(&t->started, 1);
}

static __always_inline void add_exec(__u32 mode, __u32 kind, const struct process_event *e)
{
	struct totals *t = find_totals(mode, kind, e->cgroup_id, e->comm);

	if (t)
		__sync_fetch_and_add(&t->execs, 1);
}

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 log = 0;

#pragma unroll
	for (int bits = 32; bits > 0; bits /= 2) {
		if (value >> bits) {
			value >>= bits;
			log += bits;
		}
	}
	return log;
}

/* Part of `value` that `share` is of `total`, which is not 0: to 20 bits, which no product of two times fits. */
static __always_inline __u64 share_of(__u64 value, __u64 share, __u64 total)
{
	if (total >> 40) {
		share >>= 20;
		total >>= 20;
	}
	share = (share << 20) / total;
	return (value >> 20) * share + ((value & 0xfffff) * share >> 20);
}

/* The scheduler brings a running task's sum up to date at every tick, which is 10 ms apart at most. */
#define MAX_UNACCOUNTED_NS 20000000

/*
 * What a process that ends ran since the scheduler brought its sum up to date.
 * @now_ns: on the scheduler's clock; 0: not known
 */
static __always_inline __u64 unaccounted_ns(const struct exit_event *e, __u64 now_ns)
{
	__u64 lifetime = e->p.ts_ns - e->p.start_ns, unaccounted = now_ns - e->accounted_ns;

	if (!now_ns || !e->accounted_ns || unaccounted >= MAX_UNACCOUNTED_NS)
		return 0;
	return unaccounted < lifetime ? unaccounted : lifetime;
}

struct cpu_split {
	__u64 user_ns;
	__u64 system_ns;
};

/*
 * CPU time of a process that ends. src/process/cpu-time.ts splits the time of exit events in the same way.
 * @unaccounted: see unaccounted_ns()
 */
static __always_inline struct cpu_split split_cpu(const struct exit_event *e, __u64 unaccounted)
{
	__u64 runtime = e->runtime_ns + unaccounted, user;

	if (!e->stime_ns)
		user = runtime;
	else if (!e->utime_ns)
		user = 0;
	else
		user = share_of(runtime, e->utime_ns, e->utime_ns + e->stime_ns);
	return (struct cpu_split){ .user_ns = user, .system_ns = runtime - user };
}

/* Adds the end of a process. @unaccounted: see unaccounted_ns() */
static __always_inline void add_exit(__u32 mode, __u32 kind, const struct exit_event *e, __u64 unaccounted)
{
	struct totals *t = find_totals(mode, kind, e->p.cgroup_id, e->p.comm);
	__u64 lifetime = e->p.ts_ns - e->p.start_ns;
	__u32 known = e->p.known;

	if (!t)
		return;
	if (!(known & KNOWN_STATUS))
		__sync_fetch_and_add(&t->exited_unknown, 1);
	else if (e->status & 0x7f)
		__sync_fetch_and_add(&t->exited_signal, 1);
	else if (e->status)
		__sync_fetch_and_add(&t->exited_error, 1);
	else
		__sync_fetch_and_add(&t->exited_ok, 1);
	if (known & KNOWN_START) {
		__u32 bucket = log2_of(lifetime);

		bucket = bucket < FIRST_LIFETIME_BUCKET ? 0 : bucket - FIRST_LIFETIME_BUCKET;
		if (bucket < LIFETIME_BUCKETS) {
			__sync_fetch_and_add(&t->lifetimes[bucket], 1);
			__sync_fetch_and_add(&t->lifetime_ns, lifetime);
		}
	}
	if (known & KNOWN_CPU) {
		struct cpu_split cpu = split_cpu(e, unaccounted);

		__sync_fetch_and_add(&t->cpu_user_ns, cpu.user_ns);
		__sync_fetch_and_add(&t->cpu_system_ns, cpu.system_ns);
	}
	if (known & KNOWN_IO) {
		__sync_fetch_and_add(&t->read_bytes, e->read_bytes);
		__sync_fetch_and_add(&t->write_bytes, e->write_bytes);
	}
	/* See struct totals: of two ends at the same time the smaller may stay. */
	if (known & KNOWN_RSS && e->peak_rss_bytes > LATEST(t->peak_rss_bytes))
		LATEST(t->peak_rss_bytes) = e->peak_rss_bytes;
}

#endif
