/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Loads the memory of the next processes ahead of a walk.
 *
 * A walk runs once a second, so the caches are cold and each step waits for memory. A step needs the address that the
 * previous step has loaded, so the waits do not overlap. But most processes still have the addresses that they had during
 * the last walk. From these addresses the program loads the members of several processes at the same time.
 */
#ifndef LINNIX_AHEAD_H
#define LINNIX_AHEAD_H

#include "samples-in-order.h"

/* Processes that are loaded ahead at a time. */
#define AHEAD 8

#define CAST(type, address) ((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))
/* Loads the member and ignores its value. The kernel returns 0 if the address is no longer mapped. */
#define TOUCH(member) ((void)*(volatile typeof(member) *)&(member))

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

/* Loads every member of a sleeping process that a walk reads. */
static __always_inline void touch_process(struct ordered_sample *o)
{
	struct task_struct *task = CAST(task_struct, o->task);
	struct mm_struct___percpu *mm = (void *)CAST(mm_struct, o->mm);

	TOUCH(task->tasks.next);
	TOUCH(task->tgid);
	TOUCH(task->start_boottime);
	TOUCH(task->exit_state);
	TOUCH(task->thread_node.next);
	TOUCH(task->se.sum_exec_runtime);
	TOUCH(task->mm);
	/* Kernel threads have no mm. */
	if (!o->mm)
		return;
	TOUCH(mm->rss_stat[MM_FILEPAGES].count);
	TOUCH(mm->rss_stat[MM_ANONPAGES].count);
	TOUCH(mm->rss_stat[MM_SHMEMPAGES].count);
}

/* A global function, so that the verifier checks it only once. */
__noinline int load_next(void)
{
	/* If many processes have ended, the walk is already past the processes that were loaded ahead. */
	__u32 from = order.loaded > order.next ? order.loaded : order.next;

	order.loaded = from + AHEAD;
	for (__u32 i = 0; i < AHEAD && from + i < order.count; i++) {
		struct ordered_sample *o = ordered_sample(from + i);

		if (o)
			touch_process(o);
	}
	return 0;
}

/* Loads the next processes one step early, because the kernel already reads a process when it steps to it. */
static __always_inline void load_ahead(void)
{
	if (order.next + 1 >= order.loaded && order.loaded < order.count)
		load_next();
}

#endif
