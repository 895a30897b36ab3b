// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Measures the time of a write to a ring: one loop writes records, and the other loop does the same without the write. User
 * space runs both loops and compares their times. The programs are not attached.
 */
#include "kernel.h"
#include "process.h"
#include "ring-write.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} timed_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ring_write_run);
} ring_write_runs SEC(".maps");

/* Prevents the compiler from removing or moving the code that fills the record. */
#define uses(record) asm volatile("" : : "r"(record) : "memory")

/* @writes is a constant at each call, and the function is inlined, so the loop has no branch for it. */
static __always_inline int run_loop(void *ctx, bool writes)
{
	struct exit_event e = {};
	__u32 zero = 0;
	struct ring_write_run *run = bpf_map_lookup_elem(&ring_write_runs, &zero);
	__u64 began;
	/* Not a count of failures: the verifier would check each turn of the loop for each value of the count. */
	__u64 results = 0;

	if (!run)
		return 0;
	e.p.type = EVENT_EXIT;
	began = bpf_ktime_get_ns();
	for (__u32 i = 0; i < TIMED_WRITES; i++) {
		e.p.pid = i;
		uses(&e);
		if (writes)
			results |= bpf_perf_event_output(ctx, &timed_ring, BPF_F_CURRENT_CPU, &e, sizeof(e));
	}
	run->elapsed_ns = bpf_ktime_get_ns() - began;
	run->records = TIMED_WRITES;
	run->is_refused = results != 0;
	return 0;
}

SEC("raw_tp")
int write_records(void *ctx)
{
	return run_loop(ctx, true);
}

SEC("raw_tp")
int make_records(void *ctx)
{
	return run_loop(ctx, false);
}
