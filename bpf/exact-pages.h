/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The exact memory of a process, for kernels since 6.2, which count pages in per-CPU counters. */
#ifndef LINNIX_EXACT_PAGES_H
#define LINNIX_EXACT_PAGES_H

#include "sampler.h"

/*
 * Serves to find the offset of a CPU: the address of the map's value on that CPU, minus the base address of the values. All
 * per-CPU variables have the same offset. The value itself is not used.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} landmark SEC(".maps");

/*
 * Returns the number of pages, including the counts that are still in the per-CPU counters. /proc includes them since 6.17.
 */
__noinline __u64 exact_pages(__u64 mm, __u64 counted)
{
	struct mm_struct___percpu *m = (void *)mm;
	__s64 file, anon, shmem;
	__u64 of_file, of_anon, of_shmem, base = 0;
	__u32 zero = 0;

	if (!mm || has_atomic_counters())
		return counted;
	if (bpf_probe_read_kernel(&base, sizeof(base),
				  (void *)(number_of(&landmark) + bpf_core_field_offset(struct bpf_array, pptrs))))
		return counted;
	file = BPF_CORE_READ(m, rss_stat[MM_FILEPAGES].count);
	anon = BPF_CORE_READ(m, rss_stat[MM_ANONPAGES].count);
	shmem = BPF_CORE_READ(m, rss_stat[MM_SHMEMPAGES].count);
	of_file = (__u64)BPF_CORE_READ(m, rss_stat[MM_FILEPAGES].counters);
	of_anon = (__u64)BPF_CORE_READ(m, rss_stat[MM_ANONPAGES].counters);
	of_shmem = (__u64)BPF_CORE_READ(m, rss_stat[MM_SHMEMPAGES].counters);
	for (__u32 cpu = 0; cpu < MAX_SUMMED_CPUS && cpu < sample_knobs.cpus; cpu++) {
		void *there = bpf_map_lookup_percpu_elem(&landmark, &zero, cpu);
		__u64 distance;
		__s32 share;

		if (!there)
			break;
		distance = number_of(there) - base;
		/* The helper sets the share to 0 if it cannot read it. */
		bpf_probe_read_kernel(&share, sizeof(share), (void *)(of_file + distance));
		file += share;
		bpf_probe_read_kernel(&share, sizeof(share), (void *)(of_anon + distance));
		anon += share;
		bpf_probe_read_kernel(&share, sizeof(share), (void *)(of_shmem + distance));
		shmem += share;
	}
	return not_negative(file) + not_negative(anon) + not_negative(shmem);
}

#endif
