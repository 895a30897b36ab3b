/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Stores the last figures of a process in task storage, for kernels since 5.13. */
#ifndef LINNIX_TASK_STORAGE_H
#define LINNIX_TASK_STORAGE_H

#include "sampler.h"

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct last_sample);
} last_samples SEC(".maps");

static __always_inline struct last_sample *stored_sample_of(struct task_struct *leader)
{
	return bpf_task_storage_get(&last_samples, leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

#endif
