/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Where the caches are cold, as once a second, a walk waits for memory: the list's
 * next process is found through the one before, and what a process points to through
 * the process. Most are where they were at the last walk, so all that a few
 * processes will be asked for is loaded ahead, at once, from there.
 */
#ifndef LINNIX_AHEAD_H
#define LINNIX_AHEAD_H

#include "samples-in-order.h"

/* So many processes at a time. */
#define AHEAD 8

#define CAST(type, address) ((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))
/* Loads it, and that is all. Where there is nothing any more the kernel gives 0. */
#define TOUCH(member) ((void)*(volatile typeof(member) *)&(member))

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

/* All that is read of a process that sleeps. */
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
	/* Threads of the kernel have none. */
	if (!o->mm)
		return;
	TOUCH(mm->rss_stat[MM_FILEPAGES].count);
	TOUCH(mm->rss_stat[MM_ANONPAGES].count);
	TOUCH(mm->rss_stat[MM_SHMEMPAGES].count);
}

/* Global: the verifier is to look at it once. */
__noinline int load_next(void)
{
	/* Where many are gone it has been overtaken. */
	__u32 from = order.loaded > order.next ? order.loaded : order.next;

	order.loaded = from + AHEAD;
	for (__u32 i = 0; i < AHEAD && from + i < order.count; i++) {
		struct ordered_sample *o = ordered_sample(from + i);

		if (o)
			touch_process(o);
	}
	return 0;
}

/* One early, for the step to the first of the next ones goes through it. */
static __always_inline void load_ahead(void)
{
	if (order.next + 1 >= order.loaded && order.loaded < order.count)
		load_next();
}

#endif
