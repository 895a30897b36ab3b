/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The last figures of processes, in the order of the kernel's list of processes. copy_process() adds new processes at the
 * tail, and de_thread() replaces a task in place, so the order of all other processes does not change. A walk along the
 * list therefore reads the figures in order, and they are next to each other in memory. Task storage would cost three more
 * cache lines per process, and the address of each line would come from the previous line.
 */
#ifndef LINNIX_SAMPLES_IN_ORDER_H
#define LINNIX_SAMPLES_IN_ORDER_H

#include "sampler.h"

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* More than the limit for a walk (src/sampling/walk-limit.ts), to have room for processes that start meanwhile. */
#define MAX_ORDERED 12288

struct ordered_sample {
	struct last_sample last;
	/* Addresses of the process at the last walk. They may be invalid now. */
	__u64 task;
	__u64 mm;
	__u64 leader_ns; /* run time of the leader alone, at the last look whose record, if any, was written */
	__u64 threads; /* number of threads at that look; 0: no look yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_ORDERED); /* one per live process */
	__type(key, __u32);
	__type(value, struct ordered_sample);
} ordered_samples SEC(".maps");

/* The state of a walk. The figures of live processes move to the places of ended processes, so no place stays empty. */
struct sample_order {
	__u32 count; /* number of figures from the previous walk */
	__u32 next; /* place of the first figures of the previous walk whose process this walk has not reached */
	__u32 kept; /* number of figures that this walk has stored so far */
	__u32 loaded; /* place of the first figures of the previous walk whose process is not loaded ahead yet */
	__u64 ended_ns; /* end of the previous walk */
} order = {};

static __always_inline struct ordered_sample *ordered_sample(__u32 at)
{
	return bpf_map_lookup_elem(&ordered_samples, &at);
}

static __always_inline bool is_of(const struct ordered_sample *o, __u32 pid, __u64 start_ns)
{
	return o->last.pid == pid && o->last.start_ns == start_ns;
}

/* Skips the figures of ended processes. Returns the place of the figures of a process, or order.count if there are none. */
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

/* Moves the figures of the next process in the list to their new place, or creates figures there. Returns the place. */
__noinline __u32 keep_ordered_sample(__u32 pid, __u64 start_ns)
{
	__u32 at = order.next, to = order.kept;
	struct ordered_sample *known, *kept;
	bool is_known = false;

	known = ordered_sample(at);
	if (known && at < order.count) {
		is_known = is_of(known, pid, start_ns);
		/* A process that started after the last walk has no figures; nearly all older processes have figures. */
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
	/* A new process follows all older ones in the list, so the figures at this place belong to an ended process. */
	if (order.next == to)
		order.next = to + 1;
	__builtin_memset(kept, 0, sizeof(*kept));
	kept->last.pid = pid;
	kept->last.start_ns = start_ns;
	return to;
}

/* The figures of the next process in the list; NULL if there is no room for them. */
static __always_inline struct ordered_sample *next_ordered_sample(struct task_struct *leader)
{
	return ordered_sample(keep_ordered_sample(leader->tgid, leader->start_boottime));
}

#endif
