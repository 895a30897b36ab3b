// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The best case of polling, for kernels since 6.7: a look at all processes that reports only the new ones. The program
 * itself walks the list of processes and stores which processes it has reported, so an old process costs little.
 */
#include "kernel.h"
#include "new-processes.h"
#include "reader-pid.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* 64 KiB, which user space maps into its memory. */
#define MAX_NEW 4096

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_NEW);
	__type(key, __u32);
	__type(value, struct new_process);
} new_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} reported SEC(".maps");

struct look_answer *unused_answer __attribute__((unused));

SEC("syscall")
int look(struct look_answer *answer)
{
	struct bpf_iter_task it;
	struct task_struct *task;
	__u32 processes = 0, written = 0, is_full = 0, unkept = 0;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, BPF_TASK_ITER_ALL_PROCS);
	while ((task = bpf_iter_task_next(&it))) {
		struct new_process *new;
		__u64 *is_reported;
		__u32 at = written;

		/* The idle tasks have pid 0; a zombie stays listed until it is reaped. */
		if (task->pid == 0 || task->signal->live.counter == 0)
			continue;
		processes++;
		is_reported = bpf_task_storage_get(&reported, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (!is_reported) {
			unkept++;
			continue;
		}
		if (*is_reported)
			continue;
		new = bpf_map_lookup_elem(&new_processes, &at);
		if (!new) {
			is_full = 1;
			continue;
		}
		new->pid = reader_tgid(task);
		new->start_ns = task->start_boottime;
		*is_reported = 1;
		written++;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	answer->processes = processes;
	answer->written = written;
	answer->is_full = is_full;
	answer->unkept = unkept;
	return 0;
}
