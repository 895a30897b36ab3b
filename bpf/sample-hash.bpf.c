// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Does the same as sample.bpf.c, for kernels before 5.13. Before 5.12 (a10787e6d58c), only programs of security modules
 * could use task storage.
 */
#include "sampler.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * By pid. No program deletes the entries of ended processes. They are the least recently used, so new entries replace them.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192); /* resized to the number of processes */
	__type(key, __u32);
	__type(value, struct last_sample);
} last_samples SEC(".maps");

static __always_inline struct last_sample *last_sample_by_pid(struct task_struct *leader)
{
	struct last_sample none = { .start_ns = leader->start_boottime };
	__u32 pid = leader->pid;
	struct last_sample *last = bpf_map_lookup_elem(&last_samples, &pid);

	/* The entry belongs to an earlier process with this pid. */
	if (last && last->start_ns != none.start_ns) {
		*last = none;
		return last;
	}
	if (!last) {
		bpf_map_update_elem(&last_samples, &pid, &none, BPF_ANY);
		last = bpf_map_lookup_elem(&last_samples, &pid);
	}
	return last;
}

/* The counters of these kernels are exact, except for a few pages that each thread counts by itself. */
__noinline __u64 exact_pages(__u64 mm, __u64 counted)
{
	return counted;
}

SEC("iter/task")
int sample_processes(struct bpf_iter__task *ctx)
{
	return sample_next(ctx, last_sample_by_pid);
}
