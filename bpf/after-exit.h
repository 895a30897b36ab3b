/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * CPU time of processes after sched_process_exit: a process gives its memory and files back after that tracepoint. The
 * kernel frees the task when it has run for the last time and its parent has waited for it: its sum is final then. The
 * difference is added to the group in which the end was counted. Without it the time of short processes would not add up.
 */
#ifndef LINNIX_AFTER_EXIT_H
#define LINNIX_AFTER_EXIT_H

#include "totals.h"

struct ended_task {
	__u64 counted_ns; /* CPU time that was counted at its end, of its last thread */
	__u64 cgroup_id;
	char comm[COMM_LEN];
	__u32 kind;
	__u32 reserved;
};

/* By the address of the task, which no other one has before it is freed. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1); /* ENDED_TASKS where it is used */
	__type(key, __u64);
	__type(value, struct ended_task);
} ended_tasks SEC(".maps");

static __always_inline void note_exit(struct task_struct *task, const struct process_event *e, __u32 kind,
				      __u64 unaccounted)
{
	struct ended_task ended = {};
	__u64 key = (__u64)task;

	ended.counted_ns = task->se.sum_exec_runtime + unaccounted;
	ended.cgroup_id = e->cgroup_id;
	__builtin_memcpy(ended.comm, e->comm, COMM_LEN);
	ended.kind = kind;
	bpf_map_update_elem(&ended_tasks, &key, &ended, BPF_ANY);
}

static __always_inline void add_after_exit(__u32 mode, struct task_struct *task)
{
	__u64 key = (__u64)task, final = task->se.sum_exec_runtime;
	struct ended_task *ended = bpf_map_lookup_elem(&ended_tasks, &key);
	struct totals *t;

	if (!ended)
		return;
	if (final > ended->counted_ns) {
		t = find_totals(mode, ended->kind, ended->cgroup_id, ended->comm);
		if (t)
			__sync_fetch_and_add(&t->after_exit_ns, final - ended->counted_ns);
	}
	bpf_map_delete_elem(&ended_tasks, &key);
}

#endif
