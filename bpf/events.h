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

/*
 * Whether bpf_perf_event_output failed because this CPU has no ring: its place in the map is empty (ENOENT), or the
 * kernel removed the perf event from the CPU when that went offline (EOPNOTSUPP). A full ring is ENOSPC.
 */
static __always_inline bool has_no_ring(int result)
{
	return result == -ENOENT || result == -EOPNOTSUPP;
}

#endif
