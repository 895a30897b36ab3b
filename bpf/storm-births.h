/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The sources of processes. A process gets its source at its fork, and its exec and exit belong to the same source. */
#ifndef LINNIX_STORM_BIRTHS_H
#define LINNIX_STORM_BIRTHS_H

#include "level.h"
#include "maps.h"
#include "storm-sources.h"

/*
 * A word for each process whose fork a program watched, by pid. A later process may replace an earlier one. The data of a
 * process is one word, so that a program writes it in one step. User space reads it in src/probes/storm-births.ts.
 */
#define BIRTH_SOURCE_BITS 9
#define BIRTH_SOURCE (STORM_SOURCES - 1) /* the source of the process: a place in storm_sources */
#define BIRTH_GENERATION_AT 9 /* 16 bits: generation of that place */
#define BIRTH_FORKS_AT 25 /* 5 bits: how often the process forked, at most 31 */
#define BIRTH_FORK (1ULL << BIRTH_FORKS_AT)
#define BIRTH_DEEP (1ULL << 30) /* the source is not the forker */
#define BIRTH_SETTLED (1ULL << 31) /* the process is the source of what it forks */
#define BIRTH_MISSED (1ULL << 32) /* its last exec was only counted */
#define BIRTH_SHOWN (1ULL << 33) /* an exec of it was sent in a storm, so its exit will be sent too */
#define BIRTH_PID_AT 34 /* 8 bits of the pid, above its lower 14 bits, which determine the place */
#define BIRTH_EPOCH_AT 42 /* 22 bits */
#define BIRTH_WHO_BITS (~0ULL << BIRTH_PID_AT)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STORM_BIRTHS);
	__type(key, __u32);
	__type(value, __u64);
} storm_births SEC(".maps");

static __always_inline volatile __u64 *birth_of(__u32 pid)
{
	__u32 place = pid & (STORM_BIRTHS - 1);

	return bpf_map_lookup_elem(&storm_births, &place);
}

/* The upper bits of the word of a process: its pid and the epoch. */
static __always_inline __u64 birth_who(__u32 pid)
{
	return (__u64)(pid >> 14 & 0xff) << BIRTH_PID_AT | (__u64)detail.storms.epoch << BIRTH_EPOCH_AT;
}

static __always_inline bool is_birth_of(__u64 birth, __u32 pid)
{
	return birth && (birth & BIRTH_WHO_BITS) == birth_who(pid);
}

/* The place of the source of a process. Returns NO_SOURCE if another source has taken this place. */
static __always_inline __u32 source_of_birth(__u64 birth)
{
	__u32 place = birth & BIRTH_SOURCE;
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &place);

	return s && (s->generation & 0xffff) == (birth >> BIRTH_GENERATION_AT & 0xffff) ? place : NO_SOURCE;
}

/* The pid of the settled process from which the process with that word descends; 0: unknown, or a reaper. */
static __always_inline __u32 first_forker(__u64 birth)
{
	__u32 place = source_of_birth(birth);
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &place);

	return s ? s->pid : 0;
}

/* Stores the source of a process. @flags: BIRTH_* */
static __always_inline void keep_birth(__u32 pid, __u32 source, __u64 flags)
{
	volatile __u64 *birth = birth_of(pid);
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u64 before;

	if (!birth || !s)
		return;
	before = *birth;
	/* This replaces the word of another process that may still live, so its missed exec goes to missed_execs. */
	if (before & BIRTH_MISSED && before >> BIRTH_EPOCH_AT == birth_who(0) >> BIRTH_EPOCH_AT && !is_birth_of(before, pid))
		miss_exec((__u32)(before >> BIRTH_PID_AT & 0xff) << 14 | (pid & (STORM_BIRTHS - 1)));
	*birth = birth_who(pid) | flags | (__u64)(s->generation & 0xffff) << BIRTH_GENERATION_AT | (source & BIRTH_SOURCE);
}

#endif
