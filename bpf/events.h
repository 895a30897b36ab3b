/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The rings: one per CPU, and a spare one. All loaded objects share these maps. */
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
 * Takes the records of a CPU that does not have a ring yet. It belongs to no CPU and lives as long as the map. Its size
 * must be a power of two and a multiple of the page size, which is at most 64 KiB.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} spare_events SEC(".maps");

/*
 * Whether bpf_perf_event_output failed because this CPU has no ring. Its place in the map is empty (ENOENT) or past the end
 * of the map (E2BIG), or the kernel removed the perf event when the CPU went offline (EOPNOTSUPP). If the ring is full,
 * the error is ENOSPC.
 */
static __always_inline bool has_no_ring(int result)
{
	return result == -ENOENT || result == -E2BIG || result == -EOPNOTSUPP;
}

#endif
