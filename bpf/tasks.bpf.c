// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * A task iterator that returns a process_event record for every live process. If the reader is not in the initial pid
 * namespace, the kernel lists only the processes of the reader's namespace (kernel/bpf/task_iter.c). ns_pid is the pid in
 * the reader's namespace.
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
	/* A zombie leader stays listed until it is reaped. Its process lives as long as it has other live threads. */
	if (task->signal->live.counter == 0)
		return 0;
	fill_process(&e, EVENT_FORK, task);
	e.ns_pid = reader_tgid(task);
	bpf_seq_write(ctx->meta->seq, &e, sizeof(e));
	return 0;
}
