/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The wire of page faults: what their BPF program and user space share. */
#ifndef LINNIX_FAULTS_H
#define LINNIX_FAULTS_H

#include "process.h"

/* Maximum number of page faults of a process that are reported in one second. The others are only counted. */
#define FAULTS_PER_SECOND 10

/* process_event.type. Outside the ranges of enum event_type, whose counts must balance, and of enum sample_type. */
enum fault_type {
	EVENT_PAGE_FAULT = 34,
};

struct page_fault_event {
	struct process_event p;
	__u64 address;
	__u64 ip; /* of the instruction that accessed the address */
	__u64 suppressed; /* faults of this process since its last reported fault */
};

/* An element of a memory-mapped array, one per CPU. seen = emitted + suppressed. */
struct fault_counters {
	__u64 seen;
	__u64 emitted; /* given to the ring: received + ring_full + no_ring */
	__u64 ring_full; /* lost: the ring had no room */
	__u64 no_ring; /* lost: this CPU had no ring, and the spare one was full */
	__u64 suppressed; /* only counted, because the process had FAULTS_PER_SECOND already */
	__u64 spared; /* records that went to the spare ring */
	__u64 pad[2]; /* pads to 64 bytes, so that CPUs share no cache line */
};

#endif
