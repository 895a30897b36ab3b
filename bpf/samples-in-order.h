/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Last figures of processes, in the order of the kernel's list: new processes come
 * at its end, those that are left stay in their order (copy_process() adds at the
 * tail, de_thread() replaces in place). So a walk along the list is one along the
 * figures as well, which lie side by side: storage of the task itself is three more
 * cache lines a process, one found through the other.
 */
#ifndef LINNIX_SAMPLES_IN_ORDER_H
#define LINNIX_SAMPLES_IN_ORDER_H

#include "sampler.h"

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* More than are walked along at one go (src/sampling/walk-limit.ts), for those that come meanwhile. */
#define MAX_ORDERED 12288

struct ordered_sample {
	struct last_sample last;
	/* Where the process was met last, as addresses that nobody vouches for. */
	__u64 task;
	__u64 mm;
	__u64 leader_ns; /* run time of the leader alone, */
	__u64 threads; /* and threads, when there was no more to tell; 0: not looked at yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ORDERED); /* one a live process */
	__type(key, __u32);
	__type(value, struct ordered_sample);
} ordered_samples SEC(".maps");

/* How far a walk is. Those that are kept move up over those that are gone. */
struct sample_order {
	__u32 count; /* of the walk before */
	__u32 next; /* of these, the first that is not met yet */
	__u32 kept; /* of this walk */
	__u32 loaded; /* of the walk before: where their processes were is in the cache */
	__u64 ended_ns; /* the walk before */
} order = {};

static __always_inline struct ordered_sample *ordered_sample(__u32 at)
{
	return bpf_map_lookup_elem(&ordered_samples, &at);
}

static __always_inline bool is_of(const struct ordered_sample *o, __u32 pid, __u64 start_ns)
{
	return o->last.pid == pid && o->last.start_ns == start_ns;
}

/* Where the figures of that process are among those that are not met yet, past those of who is gone; or order.count. */
__noinline __u32 find_ordered_sample(__u32 pid, __u64 start_ns)
{
	struct bpf_iter_num it;
	__u32 found = order.count;
	int *at;

	bpf_iter_num_new(&it, order.next, order.count);
	while ((at = bpf_iter_num_next(&it))) {
		struct ordered_sample *o = ordered_sample(*at);

		if (o && is_of(o, pid, start_ns)) {
			found = *at;
			break;
		}
	}
	bpf_iter_num_destroy(&it);
	return found;
}

static __always_inline void begin_order(void)
{
	order.next = 0;
	order.kept = 0;
	order.loaded = 0;
}

static __always_inline void end_order(void)
{
	order.count = order.kept;
	order.ended_ns = bpf_ktime_get_boot_ns();
}

/* Keeps figures of the next process of the list, new ones where there are none; where they are now. */
__noinline __u32 keep_ordered_sample(__u32 pid, __u64 start_ns)
{
	__u32 at = order.next, to = order.kept;
	struct ordered_sample *known, *kept;
	bool is_known = false;

	known = ordered_sample(at);
	if (known && at < order.count) {
		is_known = is_of(known, pid, start_ns);
		/* Who started later cannot have been met; of the others hardly one was not. */
		if (!is_known && start_ns <= order.ended_ns) {
			at = find_ordered_sample(pid, start_ns);
			known = ordered_sample(at);
			is_known = known && at < order.count;
		}
	}
	if (is_known)
		order.next = at + 1;
	kept = ordered_sample(to);
	if (!kept)
		return to;
	order.kept = to + 1;
	if (is_known) {
		if (at != to && known)
			*kept = *known;
		return to;
	}
	/* Behind all that are left, so what it takes the place of is of one that is gone. */
	if (order.next == to)
		order.next = to + 1;
	__builtin_memset(kept, 0, sizeof(*kept));
	kept->last.pid = pid;
	kept->last.start_ns = start_ns;
	return to;
}

/* The figures of the next process of the list; NULL where there is no room for them. */
static __always_inline struct ordered_sample *next_ordered_sample(struct task_struct *leader)
{
	return ordered_sample(keep_ordered_sample(leader->tgid, leader->start_boottime));
}

#endif
