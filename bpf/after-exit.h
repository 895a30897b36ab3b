/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * CPU time of processes after sched_process_exit: a process gives its memory and files back after that tracepoint. The
 * kernel frees the task when it has run for the last time and its parent has waited for it: its sum is final then. The
 * difference is added to the group in which the end was counted. Without it the time of short processes would not add up.
 *
 * The kernel frees tasks from RCU callbacks, many at a time. So nothing here takes a lock: tasks are kept in an array, at
 * a place that their start and number give. Of two tasks with the same place the later one stays. The time of the other
 * after its end belongs to no group then.
 */
#ifndef LINNIX_AFTER_EXIT_H
#define LINNIX_AFTER_EXIT_H

#include "totals.h"

struct ended_task {
	__u64 start_ns; /* start_boottime of its last thread; 0: nothing is kept here */
	__u64 counted_ns; /* CPU time of that thread that was counted at the end of the process */
	__u64 cgroup_id;
	char comm[COMM_LEN];
	__u32 kind;
	__u32 tid; /* of its last thread, which no other has before the kernel frees it */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* ENDED_TASKS where it is used */
	__type(key, __u32);
	__type(value, struct ended_task);
} ended_tasks SEC(".maps");

static __always_inline struct ended_task *ended_place(__u64 start_ns, __u32 tid)
{
	__u32 index = (start_ns + tid) * 0x9e3779b97f4a7c15ULL >> 40 & (ENDED_TASKS - 1);

	return bpf_map_lookup_elem(&ended_tasks, &index);
}

static __always_inline void note_exit(struct task_struct *task, const struct process_event *e, __u32 kind,
				      __u64 unaccounted)
{
	__u64 start_ns = task->start_boottime;
	__u32 tid = task->pid;
	struct ended_task *ended = ended_place(start_ns, tid);

	if (!ended)
		return;
	/* A program that reads it in between finds nothing. */
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
	struct ended_task *ended = ended_place(start_ns, tid);
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
