// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * CPU time and memory of all processes, as differences to the previous sweep. Task storage keeps the last figures. For
 * kernels since 5.13; sample-hash.bpf.c is for older ones.
 */
#include "exact-pages.h"
#include "task-storage.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

SEC("iter/task")
int sample_processes(struct bpf_iter__task *ctx)
{
	return sample_next(ctx, stored_sample_of);
}
