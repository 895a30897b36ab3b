/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A second program at each tracepoint, for what the kernel skips of the first.
 *
 * Since Linux 7.0 a tracepoint's program may be preempted. Until it goes on, the
 * kernel runs it for nobody else on that CPU, for it takes that for a recursion,
 * and counts what it skipped (recursion_misses). So the first program leaves a mark
 * for the thread that it runs for, and the second, which comes right after it in the
 * same thread, does the same work where there is none. Both are skipped only when
 * one thread stands preempted in the first and another in the second, of a few
 * nanoseconds; user space counts that.
 */
#ifndef LINNIX_RETRY_H
#define LINNIX_RETRY_H

#include "maps.h"

/* A power of 2. Two threads that share a place at the same time, in the nanoseconds between both programs, are told twice. */
#define CLAIMS 1024

static volatile __u32 claims[CLAIMS];

/* Neighbours are 16 places, a cache line, apart: threads that start one after the other run on several CPUs. */
static __always_inline volatile __u32 *claim_of(__u32 tid)
{
	return &claims[(tid << 4 | (tid >> 6 & 15)) & (CLAIMS - 1)];
}

static __always_inline void claim(void)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (knobs.retry)
		*claim_of(tid) = tid;
}

static __always_inline bool was_claimed(enum event_type type)
{
	__u32 tid = bpf_get_current_pid_tgid();
	volatile __u32 *claim = claim_of(tid);

	if (*claim == tid) {
		*claim = 0;
		return true;
	}
	COUNT(retried[type]);
	return false;
}

#endif
