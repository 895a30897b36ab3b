// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Does the same as tasks.bpf.c, for kernels since 6.7. The program itself walks the kernel's list of processes, so it lists
 * every process of the machine, also if the reader is in a pid namespace of its own.
 */
#include "kernel.h"
#include "new-processes.h"
#include "core.h"
#include "reader-pid.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to somewhat more than the number of processes */
	__type(key, __u32);
	__type(value, struct process_event);
} records SEC(".maps");

struct look_answer *unused_answer __attribute__((unused));

/* Not local: the verifier would follow each value of a local counter, and reject the program. There is only one reader. */
static __u32 processes = 0, written = 0;

SEC("syscall")
int walk_processes(struct look_answer *answer)
{
	struct bpf_iter_task it;
	struct task_struct *task;

	processes = 0;
	written = 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, BPF_TASK_ITER_ALL_PROCS);
	while ((task = bpf_iter_task_next(&it))) {
		struct process_event *record;
		__u32 at = written;

		/* The idle tasks have pid 0; a zombie stays listed until it is reaped. */
		if (task->pid == 0 || task->signal->live.counter == 0)
			continue;
		processes++;
		record = bpf_map_lookup_elem(&records, &at);
		if (!record)
			continue;
		fill_process(record, EVENT_FORK, task);
		record->ns_pid = reader_tgid(task);
		written++;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	answer->processes = processes;
	answer->written = written;
	answer->is_full = written < processes;
	answer->unkept = 0;
	return 0;
}
