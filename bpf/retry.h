/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A second program at each tracepoint. It does the work of the first program when the kernel skips that program.
 *
 * Since Linux 7.0 a tracepoint's program may be preempted. Until the program continues, the kernel does not run it for other
 * threads on that CPU, because it takes such a run for a recursion. It counts the runs that it skips (recursion_misses).
 *
 * So the first program leaves a mark for its thread. The second program runs right after it in the same thread, and does the
 * same work if there is no mark. The kernel skips both only if one thread is preempted in the first program and another
 * thread in the second. User space counts these skips.
 */
#ifndef LINNIX_RETRY_H
#define LINNIX_RETRY_H

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* CLAIM_WORDS if there are second programs */
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
	/* Threads with adjacent ids often run on different CPUs, so their bits are not in one cache line. */
	__u32 index = (tid & 7) << 13 | (tid >> 3 & 0x1fff);

	claim->word = bpf_map_lookup_elem(&claims, &index);
	claim->bit = 1ULL << (tid >> 16 & 63);
	return claim->word;
}

/*
 * Sets the bit of this thread. Other threads change other bits of the word, so this must be atomic. Only the thread itself
 * changes its bit, so adding the bit sets it if it is 0. All kernels have an atomic addition.
 */
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
