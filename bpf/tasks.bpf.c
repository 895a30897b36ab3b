// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Task iterator: every live process as a process_event record, in one read. In a pid namespace other than the initial
 * one the kernel lists the processes of that namespace only (kernel/bpf/task_iter.c). ns_pid is the reader's.
 */
#include "kernel.h"
#include "process.h"
#include "core.h"
#include "reader-pid.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("iter/task")
int list_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct process_event e = {};

	if (!task || task->pid != task->tgid)
		return 0;
	/* A zombie leader stays listed until it is reaped; its process goes on while other threads live. */
	if (task->signal->live.counter == 0)
		return 0;
	fill_process(&e, EVENT_FORK, task);
	e.ns_pid = reader_tgid(task);
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}
