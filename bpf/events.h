/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The rings, one a CPU and a spare one: where there are several objects, they share these maps. */
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
 * Takes the records of a CPU that has no ring, until it has one. It belongs to no CPU, and lives as long as the map. A
 * power of two of pages, of which the largest have 64 KiB.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} spare_events SEC(".maps");

/*
 * Whether bpf_perf_event_output failed because this CPU has no ring: its place in the map is empty (ENOENT) or past the
 * map's end (E2BIG), or the kernel removed the perf event from the CPU when that went offline (EOPNOTSUPP). A full ring
 * is ENOSPC.
 */
static __always_inline bool has_no_ring(int result)
{
	return result == -ENOENT || result == -E2BIG || result == -EOPNOTSUPP;
}

#endif
