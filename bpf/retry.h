/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A second program at each tracepoint, for what the kernel skips of the first.
 *
 * Since Linux 7.0 a tracepoint's program may be preempted. Until it goes on, the
 * kernel runs it for nobody else on that CPU, for it takes that for a recursion,
 * and counts what it skipped (recursion_misses). So the first program leaves a mark
 * for the thread that it runs for, and the second, which comes right after it in the
 * same thread, does the same work where there is none. Both are skipped only when
 * one thread stands preempted in the first and another in the second; user space
 * counts that.
 */
#ifndef LINNIX_RETRY_H
#define LINNIX_RETRY_H

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* CLAIM_WORDS where something is retried */
	__type(key, __u32);
	__type(value, __u64);
} claims SEC(".maps");

struct claim {
	__u64 *word;
	__u64 bit;
};

static __always_inline bool find_claim(struct claim *claim)
{
	__u32 tid = bpf_get_current_pid_tgid();
	/* Threads that start one after the other run on several CPUs: neighbours are not in one cache line. */
	__u32 index = (tid & 7) << 13 | (tid >> 3 & 0x1fff);

	claim->word = bpf_map_lookup_elem(&claims, &index);
	claim->bit = 1ULL << (tid >> 16 & 63);
	return claim->word;
}

/* The bit is changed by its thread alone, the word's others by theirs: adding what it lacks sets it, on any kernel. */
static __always_inline void claim(void)
{
	struct claim claim;

	if (knobs.retry && find_claim(&claim) && !(*claim.word & claim.bit))
		__sync_fetch_and_add(claim.word, claim.bit);
}

static __always_inline bool was_claimed(enum event_type type)
{
	struct claim claim;

	if (find_claim(&claim) && *claim.word & claim.bit) {
		__sync_fetch_and_add(claim.word, -claim.bit);
		return true;
	}
	COUNT(retried[type]);
	return false;
}

#endif
