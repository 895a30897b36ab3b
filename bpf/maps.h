/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What both backends share: knobs, rings, counters, filters. */
#ifndef LINNIX_MAPS_H
#define LINNIX_MAPS_H

#include "kernel.h"
#include "events.h"
#include "process.h"
#include <bpf/bpf_helpers.h>

#ifndef DEFAULT_ARGS_BYTES
#define DEFAULT_ARGS_BYTES 2048
#endif

const volatile struct knobs knobs = {
	.event_mask = 0xffffffff,
	.max_args_bytes = DEFAULT_ARGS_BYTES,
	.page_size = 4096,
	.max_exit_threads = MAX_EXIT_THREADS,
	.totals_places = 1,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to the number of possible CPUs */
	__type(key, __u32);
	__type(value, struct cpu_counters);
} counters SEC(".maps");

/* The processes of --pid and all their descendants. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__type(value, __u8);
} tracked_pids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u8);
} wanted_uids SEC(".maps");

struct comm_key {
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct comm_key);
	__type(value, __u8);
} wanted_comms SEC(".maps");

static __always_inline struct cpu_counters *cpu_counters(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&counters, &cpu);
}

/* Atomic, because newer kernels may preempt a program at a tracepoint. */
#define COUNT(member)                                            \
	do {                                                     \
		struct cpu_counters *c = cpu_counters();         \
		if (c)                                           \
			__sync_fetch_and_add(&c->member, 1);     \
	} while (0)

/*
 * Whether a map once had no room for a process, by enum process_map. If so, a missing entry proves nothing. User space also
 * sets this if it finds no room for a process. The programs write it once, and read it only if they find no entry.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROCESS_MAPS);
	__type(key, __u32);
	__type(value, __u32);
} full_maps SEC(".maps");

static __always_inline void had_no_room(enum process_map map)
{
	__u32 index = map;
	volatile __u32 *is_full = bpf_map_lookup_elem(&full_maps, &index);

	if (is_full && !*is_full)
		*is_full = 1;
	COUNT(no_room[map]);
}

static __always_inline bool is_full(enum process_map map)
{
	__u32 index = map;
	volatile __u32 *is_full = bpf_map_lookup_elem(&full_maps, &index);

	return is_full && *is_full;
}

static __always_inline void track_child(__u32 forker, __u32 child)
{
	__u8 yes = 1;

	if (!knobs.filter_pid || !bpf_map_lookup_elem(&tracked_pids, &forker))
		return;
	if (bpf_map_update_elem(&tracked_pids, &child, &yes, BPF_ANY) < 0)
		had_no_room(MAP_TRACKED_PIDS);
}

static __always_inline void untrack(__u32 pid)
{
	if (knobs.filter_pid)
		bpf_map_delete_elem(&tracked_pids, &pid);
}

/*
 * Processes whose last exec user space did not receive, for example because a filter dropped it or the ring had no room. At
 * their exit, user space does not know what they executed. The programs read this map only after the first such exec.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__type(value, __u8);
} missed_execs SEC(".maps");

/* Never cleared. A plain store is enough, because every CPU stores the same value. */
volatile bool some_exec_missed;
volatile bool any_exec_missed; /* the map was full: any process may have a missed exec */

static __always_inline void miss_exec(__u32 pid)
{
	__u8 yes = 1;

	if (bpf_map_update_elem(&missed_execs, &pid, &yes, BPF_ANY) < 0) {
		any_exec_missed = true;
		COUNT(no_room[MAP_MISSED_EXECS]);
	}
	if (!some_exec_missed)
		some_exec_missed = true;
}

/*
 * Notes an exec that a filter dropped. --pid passes all events of a process or none. The other filters check values
 * that may change during the life of the process, so they may still pass its exit.
 */
static __always_inline void hold_back_exec(__u32 pid)
{
	if (knobs.filter_uid || knobs.filter_comm || knobs.filter_cgroup)
		miss_exec(pid);
}

static __always_inline bool has_missed_exec(__u32 pid)
{
	if (!some_exec_missed)
		return false;
	return any_exec_missed || bpf_map_lookup_elem(&missed_execs, &pid);
}

/* Called when the next exec of the process was emitted, or when the process ended. */
static __always_inline void forget_missed_exec(__u32 pid)
{
	if (some_exec_missed)
		bpf_map_delete_elem(&missed_execs, &pid);
}

/* The bytes after the NUL of a comm are arbitrary; in a key they must be 0. */
static __always_inline bool is_wanted_comm(const char *comm)
{
	struct comm_key key = {};

	bpf_probe_read_kernel_str(key.comm, sizeof(key.comm), comm);
	return bpf_map_lookup_elem(&wanted_comms, &key);
}

/* Applies the filters that need only the head of a record. Each backend applies --cgroup itself. */
static __always_inline bool wants(struct process_event *e, enum event_type type)
{
	if (!(knobs.event_mask & (1 << type)))
		return false;
	/* If the map had no room, user space filters: it also follows the forks, and drops the events of other processes. */
	if (knobs.filter_pid && !bpf_map_lookup_elem(&tracked_pids, &e->pid) && !is_full(MAP_TRACKED_PIDS))
		return false;
	if (knobs.filter_uid && !bpf_map_lookup_elem(&wanted_uids, &e->uid) &&
	    !(e->known & KNOWN_EFFECTIVE && bpf_map_lookup_elem(&wanted_uids, &e->euid)))
		return false;
	if (knobs.filter_comm && !is_wanted_comm(e->comm))
		return false;
	return true;
}

/* Whether a later event of the process may pass the filters. Only the result of --pid cannot change during its life. */
static __always_inline bool may_be_wanted(__u32 pid)
{
	return !knobs.filter_pid || bpf_map_lookup_elem(&tracked_pids, &pid) || is_full(MAP_TRACKED_PIDS);
}

/* Sends a record. Returns whether a ring had room for it. */
static __always_inline bool emit(void *ctx, struct process_event *e, enum event_type type, __u64 size)
{
	int result;

	COUNT(emitted[type]);
	result = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, e, size);
	if (result == 0)
		return true;
	if (!has_no_ring(result)) {
		COUNT(ring_full[type]);
		return false;
	}
	if (bpf_ringbuf_output(&spare_events, e, size, BPF_RB_NO_WAKEUP) == 0) {
		COUNT(spared);
		return true;
	}
	COUNT(no_ring[type]);
	return false;
}

/*
 * Counts the steps of a CPU on its way offline or online. When a CPU goes offline, the kernel removes its perf events and
 * does not restore them. A suspend takes every CPU but the first offline. When this count changes, user space checks the
 * ring of that CPU; it reads the count without a system call.
 */
SEC("raw_tp/cpuhp_enter")
int handle_hotplug(__u64 *ctx)
{
	__u32 cpu = ctx[0];
	struct cpu_counters *c = bpf_map_lookup_elem(&counters, &cpu);

	if (c)
		__sync_fetch_and_add(&c->hotplug_steps, 1);
	return 0;
}

#endif
