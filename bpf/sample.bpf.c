// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * CPU time and memory of all processes, as a difference to the sweep before: last
 * figures in storage that goes with the task itself. For kernels since 5.13; for
 * older ones there is sample-hash.bpf.c.
 */
#include "exact-pages.h"
#include "task-storage.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("iter/task")
int sample_processes(struct bpf_iter__task *ctx)
{
	return sample_next(ctx, stored_sample_of);
}
