// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * As sample.bpf.c, for kernels since 6.7: the program walks the list of processes by
 * itself. The task iterator looks every pid up, threads included, and holds each
 * task for the program, which costs more than all that is done with it; and there
 * is neither a file nor a buffer to make for each sweep.
 */
#include "task-storage.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

/* 128 KiB, which user space reads in place. */
#define MAX_RECORDS 1489

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_RECORDS + 1); /* one more, so that whole 128 KiB are mapped */
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
 * Global, so that the verifier looks at it once: it would look at it anew for every
 * state of the loop around it, which takes a tenth of a second and more. Such a
 * function takes numbers and memory only.
 */
__noinline int sample_one(__u64 address, struct last_sample *last)
{
	struct task_struct *task = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct task_struct));

	return sample(task, last, write_to_records, NULL);
}

SEC("syscall")
int sample_processes(struct walk_request *request)
{
	struct bpf_iter_task it;
	struct task_struct *task;
	bool is_full = false;

	/* Also where there was no room for all: it comes by all of them again. */
	begin_sweep(request->sweep);
	written = 0;
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, BPF_TASK_ITER_ALL_PROCS);
	while ((task = bpf_iter_task_next(&it))) {
		/* What runs where nothing does has pid 0. */
		if (task->pid != 0 && !sample_one(number_of(task), last_sample_of(task, 0))) {
			is_full = true;
			break;
		}
	}
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	request->records = written;
	request->is_full = is_full;
	request->end.processes = totals.end.processes;
	request->end.left_out_threads = totals.end.left_out_threads;
	request->end.unkept = totals.end.unkept;
	return 0;
}
