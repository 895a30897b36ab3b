/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * CPU time that the kernel adds to the sum of a process after sched_process_exit: the time since the last update of the sum,
 * if it was not counted at the exit, and the time in which the process releases its memory and files.
 *
 * The kernel frees a task after the task has run for the last time and its parent has waited for it. By then the task's
 * sum of CPU time is final. The programs add the growth of this sum since the exit to the group in which they counted the
 * exit. Otherwise the CPU time of groups with short processes would be too low.
 *
 * The kernel frees tasks from RCU callbacks, many at a time, so nothing here takes a lock. An array stores the tasks; the
 * tid of a task determines its place. The kernel assigns tids in ascending order. So a task replaces an earlier one only if
 * the kernel has not freed that one while ENDED_TASKS other tasks were created. Then no group gets the time of the earlier
 * task.
 */
#ifndef LINNIX_AFTER_EXIT_H
#define LINNIX_AFTER_EXIT_H

#include "totals.h"

struct ended_task {
	__u64 start_ns; /* start_boottime of the last thread; 0: this place is free */
	__u64 counted_ns; /* CPU time of that thread that was counted at the exit of the process */
	__u64 cgroup_id;
	char comm[COMM_LEN];
	__u32 kind;
	__u32 tid; /* of the last thread: no other task gets this tid before the kernel frees the thread */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* ENDED_TASKS where it is used */
	__type(key, __u32);
	__type(value, struct ended_task);
} ended_tasks SEC(".maps");

static __always_inline struct ended_task *ended_place(__u32 tid)
{
	__u32 index = tid & (ENDED_TASKS - 1);

	return bpf_map_lookup_elem(&ended_tasks, &index);
}

static __always_inline void note_exit(struct task_struct *task, const struct process_event *e, __u32 kind,
				      __u64 unaccounted)
{
	__u64 start_ns = task->start_boottime;
	__u32 tid = task->pid;
	struct ended_task *ended = ended_place(tid);

	if (!ended)
		return;
	/* A program that reads this place during the update finds that it is free. */
	LATEST(ended->start_ns) = 0;
	barrier();
	ended->counted_ns = task->se.sum_exec_runtime + unaccounted;
	ended->cgroup_id = e->cgroup_id;
	__builtin_memcpy(ended->comm, e->comm, COMM_LEN);
	ended->kind = kind;
	ended->tid = tid;
	barrier();
	LATEST(ended->start_ns) = start_ns;
}

static __always_inline void add_after_exit(__u32 mode, struct task_struct *task)
{
	__u64 start_ns = task->start_boottime, final = task->se.sum_exec_runtime;
	__u32 tid = task->pid;
	struct ended_task *ended = ended_place(tid);
	struct totals *t;

	if (!ended || LATEST(ended->start_ns) != start_ns || ended->tid != tid)
		return;
	LATEST(ended->start_ns) = 0;
	if (final <= ended->counted_ns)
		return;
	t = find_totals(mode, ended->kind, ended->cgroup_id, ended->comm);
	if (t)
		__sync_fetch_and_add(&t->after_exit_ns, final - ended->counted_ns);
}

#endif
