/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The rings, one a CPU: where there are several objects, they share one map of them. */
#ifndef LINNIX_EVENTS_H
#define LINNIX_EVENTS_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} events SEC(".maps");

#endif
