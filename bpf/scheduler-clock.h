/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The scheduler's clock. No helper reads it. But the perf event of a ring counts how long it has been enabled, by that
 * clock, and the records in the ring have times of that clock. From a clock_event user space calculates the difference
 * between that count and the clock.
 */
#ifndef LINNIX_SCHEDULER_CLOCK_H
#define LINNIX_SCHEDULER_CLOCK_H

#include "detail.h"
#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to the number of possible CPUs */
	__type(key, __u32);
	__type(value, struct cpu_clock);
} clocks SEC(".maps");

struct clock_event *unused_clock __attribute__((unused));
enum clock_type *unused_clock_type __attribute__((unused));

/* include/uapi/linux/bpf.h */
struct bpf_perf_event_value {
	__u64 counter;
	__u64 enabled;
	__u64 running;
};

/* Returns 0 if the clock is not known yet. */
static __always_inline __u64 scheduler_now(void *ctx)
{
	struct bpf_perf_event_value value = {};
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu_clock *clock = bpf_map_lookup_elem(&clocks, &cpu);
	__u64 base;

	if (!clock || bpf_perf_event_read_value(&events, BPF_F_CURRENT_CPU, &value, sizeof(value)))
		return 0;
	if (*(volatile __u64 *)&clock->is_asked) {
		struct clock_event e = {};

		e.p.type = EVENT_CLOCK;
		e.p.cpu = cpu;
		e.p.ts_ns = bpf_ktime_get_boot_ns();
		e.enabled_ns = value.enabled;
		if (bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e)) == 0)
			*(volatile __u64 *)&clock->is_asked = 0;
	}
	base = *(volatile __u64 *)&clock->base_ns;
	return base ? base + value.enabled : 0;
}

/* User space runs this on each CPU before the programs add anything up. */
SEC("raw_tp")
int show_clock(void *ctx)
{
	scheduler_now(ctx);
	return 0;
}

#endif
