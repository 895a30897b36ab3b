/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Adds up processes by cgroup and name.
 *
 * The groups are in a memory-mapped array that the programs use as a hash table. A hash map would need system calls in user
 * space, which some kernels refuse after linnix has given up root, and it would need locks.
 *
 * A program takes a place without an atomic exchange, because BPF has that only since 5.12. It increments `claims`, then
 * reads it. If several programs do that at the same time, at most one of them reads 1 and takes the place. If none reads 1,
 * the place stays unused until user space empties the buffer. Programs that add the same group at the same time may take
 * two places for it; user space adds up the two.
 *
 * The programs count the names of a cgroup in two places that depend on its id, regardless of the groups at these places.
 * Other cgroups may count in one of the places as well, so the smaller count applies. A cgroup takes a place for the rest of
 * its names only if it has too many names.
 */
#ifndef LINNIX_TOTALS_H
#define LINNIX_TOTALS_H

#include "detail.h"
#include "level.h"
#include "maps.h"

/* Maximum number of places that a program checks for a group. */
#define TOTALS_PROBES 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to two buffers: 2 * (totals_places + TOTALS_REST) */
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

/* A flag beside the first place of a buffer: a group without a place may take one. */
#define TAKES 0x80000000
#define NO_PLACE 0xffffffff

/*
 * The place of a group. Returns NO_PLACE if the group has none and TAKES is not set, or if none of the TOTALS_PROBES places
 * that it checks is free.
 *
 * Not static, so that the verifier checks it once and not on each path to each call. Checking each path took half a second
 * of each start. Its arguments and its result are plain numbers, because kernels before 5.13 require that of such a function.
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

/* The two places that count the names of a cgroup. `second` is NULL if both are the same place. */
struct name_counts {
	struct totals *first;
	struct totals *second;
};

/* @hash: hash of the group for the rest of the cgroup's names */
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

/* The kind of a process's group. */
static __always_inline __u32 kind_of(__u32 mode, enum detail_level level, bool is_kernel)
{
	__u32 kind = level == DETAIL_SUMMARY ? 0 : TOTALS_BESIDE;

	return mode & MODE_TOTALS && is_kernel ? kind | TOTALS_KERNEL : kind;
}

/*
 * Takes a place for a group that has none. A cgroup that already has MAX_COMMS names gets only the place for the rest of its
 * names. So a cgroup whose processes rename themselves does not take the places of other cgroups.
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

	/* The bytes after the NUL of a comm are arbitrary; in a key they must be 0. */
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

/* Not static, for the same reason as find_place(): the verifier would follow each result through the rest of the program. */
__noinline __u32 log2_of(__u64 value)
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

/*
 * Returns value * share / total, with a precision of 20 bits, because the product of two times does not fit into 64 bits.
 * `total` must not be 0.
 */
static __always_inline __u64 share_of(__u64 value, __u64 share, __u64 total)
{
	if (total >> 40) {
		share >>= 20;
		total >>= 20;
	}
	share = (share << 20) / total;
	return (value >> 20) * share + ((value & 0xfffff) * share >> 20);
}

/* A larger difference is implausible: the scheduler updates the sum of a running task at every tick, at most 10 ms apart. */
#define MAX_UNACCOUNTED_NS 20000000

/*
 * CPU time of an ending process since the scheduler last updated its sum.
 * @now_ns: on the scheduler's clock; 0: unknown
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
 * CPU time of an ending process. src/process/cpu-time.ts splits the time of exit events in the same way.
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

/* Counts an exit by its result. @t: struct totals or struct storm */
#define COUNT_EXIT_RESULT(t, known, e)                                   \
	do {                                                             \
		if (!((known) & KNOWN_STATUS))                           \
			__sync_fetch_and_add(&(t)->exited_unknown, 1);   \
		else if ((e)->status & 0x7f)                             \
			__sync_fetch_and_add(&(t)->exited_signal, 1);    \
		else if ((e)->status)                                    \
			__sync_fetch_and_add(&(t)->exited_error, 1);     \
		else                                                     \
			__sync_fetch_and_add(&(t)->exited_ok, 1);        \
	} while (0)

/* Adds the exit of a process. @unaccounted: see unaccounted_ns() */
static __always_inline void add_exit(__u32 mode, __u32 kind, const struct exit_event *e, __u64 unaccounted)
{
	struct totals *t = find_totals(mode, kind, e->p.cgroup_id, e->p.comm);
	__u64 lifetime = e->p.ts_ns - e->p.start_ns;
	__u32 known = e->p.known;

	if (!t)
		return;
	COUNT_EXIT_RESULT(t, known, e);
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
	/* If two processes end at the same time, the smaller peak may stay: see struct totals. */
	if (known & KNOWN_RSS && e->peak_rss_bytes > LATEST(t->peak_rss_bytes))
		LATEST(t->peak_rss_bytes) = e->peak_rss_bytes;
}

#endif
