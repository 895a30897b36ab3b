/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the loops of ring-write.bpf.c report. */
#ifndef LINNIX_RING_WRITE_H
#define LINNIX_RING_WRITE_H

#define TIMED_WRITES 256

/* The only element of a memory-mapped array: each run of a loop overwrites it. */
struct ring_write_run {
	__u64 elapsed_ns;
	__u32 records;
	__u32 is_refused; /* a write failed */
};

#endif
