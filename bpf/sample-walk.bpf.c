// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Does the same as sample.bpf.c, for kernels since 6.7: the program itself walks the list of processes. The task iterator
 * looks up every pid, including those of threads, and takes a reference to each task. That costs more than the work of the
 * program. This walk also needs no file and no buffer for each sweep.
 */
#include "ahead.h"
#include "exact-pages.h"
#include "task-storage.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* 128 KiB, which user space maps into its memory. */
#define MAX_RECORDS 1023

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_RECORDS + 1); /* one more, to map exactly 128 KiB */
	__type(key, __u32);
	__type(value, struct sample_event);
} records SEC(".maps");

struct walk_request *unused_request __attribute__((unused));

static __u32 written = 0;

static __always_inline bool write_to_records(void *unused, struct sample_event *e)
{
	__u32 at = written;
	struct sample_event *record;

	if (at >= MAX_RECORDS)
		return false;
	record = bpf_map_lookup_elem(&records, &at);
	if (!record)
		return false;
	*record = *e;
	written = at + 1;
	return true;
}

/*
 * Whether no thread of the process ran since the last look. For most processes the task alone shows that, without the
 * structs that it points to: the process has one thread, had one thread at the last look, and that thread did not run. So
 * the thread created no other thread in between. The memory of such a process may change, so this function checks the
 * memory as well.
 */
static __always_inline bool slept(struct task_struct *leader, struct ordered_sample *o)
{
	struct mm_struct *mm = leader->mm;

	if (o->threads != 1 || o->leader_ns != leader->se.sum_exec_runtime || leader->exit_state ||
	    leader->thread_node.next != leader->thread_node.prev)
		return false;
	return !is_news(&o->last, 0, count_pages(mm, number_of(mm)));
}

/*
 * A global function, so that the verifier checks it once. Otherwise the verifier would check it again for every state of the
 * loop around it, which takes a tenth of a second or more. Such a function takes only numbers and pointers to memory.
 */
__noinline bool sample_one(__u64 address)
{
	struct task_struct *leader = CAST(task_struct, address);
	struct ordered_sample *o;
	__u64 leader_ns;
	struct look l;

	if (is_zombie(leader))
		return true;
	o = next_ordered_sample(leader);
	leader_ns = leader->se.sum_exec_runtime;
	if (o) {
		/* The next walk loads these addresses ahead. */
		o->task = address;
		o->mm = (__u64)leader->mm;
		if (slept(leader, o)) {
			totals.end.processes++;
			return true;
		}
	}
	if (!is_alive(leader))
		return true;
	look_at(leader, &l);
	if (!sample(leader, &l, o ? &o->last : NULL, write_to_records, NULL))
		return false;
	if (o) {
		o->leader_ns = leader_ns;
		o->threads = l.threads;
	}
	return true;
}

SEC("syscall")
int sample_processes(struct walk_request *request)
{
	struct bpf_iter_task it;
	struct task_struct *task;
	bool is_full = false;
	__u32 walked = 0;

	/* This is correct also if the records were full, because the repeated walk visits all processes again. */
	begin_sweep(request->sweep);
	begin_order();
	written = 0;
	bpf_rcu_read_lock();
	load_ahead();
	bpf_iter_task_new(&it, NULL, BPF_TASK_ITER_ALL_PROCS);
	while ((task = bpf_iter_task_next(&it))) {
		load_ahead();
		walked++;
		/* The idle tasks have pid 0. The walk continues when the records are full: the order needs whole walks. */
		if (task->tgid != 0 && !sample_one(number_of(task)))
			is_full = true;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	end_order();
	request->records = written;
	request->is_full = is_full;
	request->walked = walked;
	request->end.processes = totals.end.processes;
	request->end.left_out_threads = totals.end.left_out_threads;
	request->end.unkept = totals.end.unkept;
	return 0;
}

/*
 * The last walk of this object. After it user space uses the task iterator, which visits the processes in another order, so
 * this copies the figures to task storage.
 */
SEC("syscall")
int store_samples(struct walk_request *request)
{
	struct bpf_iter_task it;
	struct task_struct *task;

	begin_order();
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, BPF_TASK_ITER_ALL_PROCS);
	while ((task = bpf_iter_task_next(&it))) {
		struct ordered_sample *o;
		struct last_sample *stored;

		/* A zombie takes no place in sample_processes(), so it must not take a place here. */
		if (task->tgid == 0 || is_zombie(task))
			continue;
		o = next_ordered_sample(task);
		stored = stored_sample_of(task);
		if (o && stored)
			*stored = o->last;
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	end_order();
	return 0;
}
