/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The wire of page faults: what the probe that tells of them and user space share. */
#ifndef LINNIX_FAULTS_H
#define LINNIX_FAULTS_H

#include "process.h"

/* Most page faults that are told of a process in one second; the others are counted. */
#define FAULTS_PER_SECOND 10

/* process_event.type; apart from those that have to balance, and from what a sweep writes. */
enum fault_type {
	EVENT_PAGE_FAULT = 34,
};

struct page_fault_event {
	struct process_event p;
	__u64 address;
	__u64 ip; /* of the instruction that touched it */
	__u64 suppressed; /* faults of this process, since the last that was told, that were not */
};

/* One a CPU, in a memory-mapped array. seen = emitted + suppressed. */
struct fault_counters {
	__u64 seen;
	__u64 emitted; /* what was handed to the ring: received + ring_full + no_ring */
	__u64 ring_full; /* lost: the ring had no room */
	__u64 no_ring; /* lost: this CPU had no ring, and the spare one was full */
	__u64 suppressed; /* what the throttle held back */
	__u64 spared; /* records that went to the spare ring */
	__u64 pad[2]; /* to 64 bytes: no cache line is shared between CPUs */
};

#endif
