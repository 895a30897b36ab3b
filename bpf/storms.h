/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Storms: if the events of a source come faster than a rate, the programs count them instead of sending them. So such a
 * source does not take the room of other sources in the rings.
 *
 * In normal times the cost is one comparison per event: each CPU counts its events in windows. As long as every CPU stays
 * below its share of the rate, no source can be above the rate. If one CPU exceeds its share, all CPUs watch sources for a
 * while.
 *
 * The fork of a process decides its source. The exec and exit of the process belong to the same source. The source is
 * - the process that forked it;
 * - the cgroup (in the root cgroup: the uid), if the forker is an init, a subreaper or a kernel thread;
 * - the source of the forker, if the forker is young and has forked at most twice. So a loop that forks twice and lets the
 *   middle process end is one source, and its orphans do not belong to the process that adopts them;
 * - the changing forkers of the cgroup, if both the forker and its own forker are young in this sense. They are a source
 *   of their own, apart from the cgroup itself.
 * If no program watched the fork of a process, its events belong to its parent. If the parent has adopted the process, its
 * execs belong to the process itself, and so does its exit if a program watched one of these execs. Otherwise the exit is
 * sent.
 *
 * All maps are arrays of fixed size, used as hash tables without a lock. If two CPUs add two sources at the same place at
 * the same time, the key there may be a mixture of both. No source finds that place, and a later source soon takes it.
 *
 * Several long functions are not static, for the same reason as find_place() in totals.h.
 */
#ifndef LINNIX_STORMS_H
#define LINNIX_STORMS_H

#include "storm-births.h"
#include "storm-comms.h"
#include "storm-rate.h"
#include "storm-window.h"
#include "totals.h"

/*
 * The first FEW_FORKS forks of a young process belong to the source of that process. FEW_DEEP_FORKS is for a process whose
 * forker was a young process as well.
 */
#define FEW_FORKS 2
#define FEW_DEEP_FORKS 16
/* A process is young up to this age. The tracepoint backend does not know ages, and only counts the forks. */
#define YOUNG_NS 1000000000

/*
 * Each backend defines this, for a young forker whose own fork no program watched. A fork bomb has many such forkers when
 * the programs begin to watch sources. Returns the pid of the nearest ancestor that is not young, or 0 if a reaper is
 * nearer. Returns NO_ANCESTOR if that ancestor or the reaper is the parent, or if the backend cannot find out.
 */
static __always_inline __u32 settled_ancestor(__u64 now_ns);
#define NO_ANCESTOR 0xffffffff

/* fork_flags */
#define FORKED_BY_REAPER 1 /* the forker is an init, a subreaper or a kernel thread */

/*
 * Runs in the forker. Returns the place of the storm that counts the fork, or NO_PLACE if the fork is sent.
 * @start_ns: of the forker; 0: unknown
 */
__noinline __u32 storm_of_fork(__u64 start_ns, __u32 child, __u64 cgroup_id, __u32 uid, __u32 fork_flags)
{
	__u64 now = bpf_ktime_get_boot_ns(), flags = 0, word = 0, id;
	__u32 forker = bpf_get_current_pid_tgid() >> 32, source = NO_SOURCE, kind, settled;
	volatile __u64 *birth = birth_of(forker);

	if (birth)
		word = *birth;
	if (!is_birth_of(word, forker))
		word = 0;
	flags = word & BIRTH_MISSED;
	kind = cgroup_id > ROOT_CGROUP_ID ? STORM_CGROUP : STORM_UID;
	id = cgroup_id > ROOT_CGROUP_ID ? cgroup_id : uid;
	if (fork_flags & FORKED_BY_REAPER) {
		source = find_source(kind, 0, id, now, 1);
	} else if (birth && word && !(word & BIRTH_SETTLED) && (!start_ns || now - start_ns < YOUNG_NS) &&
		   (word >> BIRTH_FORKS_AT & 31) < (word & BIRTH_DEEP ? FEW_DEEP_FORKS : FEW_FORKS)) {
		*birth = word + BIRTH_FORK;
		flags |= BIRTH_DEEP;
		if (!(word & BIRTH_DEEP))
			source = source_of_birth(word);
		if (source == NO_SOURCE)
			source = find_source(kind | STORM_CHANGING, first_forker(word), id, now, 1);
	} else if (birth && !word && start_ns && now - start_ns < YOUNG_NS &&
		   (settled = settled_ancestor(now)) != NO_ANCESTOR) {
		flags = BIRTH_DEEP;
		source = find_source(kind | STORM_CHANGING, settled, id, now, 1);
		if (source != NO_SOURCE)
			keep_birth(forker, source, BIRTH_DEEP | BIRTH_FORK);
	} else {
		source = find_source(STORM_PROCESS, forker, start_ns, now, 1);
	}
	if (source == NO_SOURCE)
		return NO_PLACE;
	keep_birth(child, source, flags);
	return charge(source, now);
}

/*
 * Runs in the process that calls exec. Returns the place of the storm that counts the exec, or NO_PLACE if it is sent.
 * @parent: 0 if the parent is unknown, or has adopted the process
 * @is_folded: execs are not sent; a record at the end of the process reports them
 */
__noinline __u32 storm_of_exec(__u64 start_ns, __u32 parent, __u64 parent_start_ns, __u32 is_folded)
{
	__u64 now = bpf_ktime_get_boot_ns(), word = 0, comm[COMM_LEN / 8] = {};
	__u32 pid = bpf_get_current_pid_tgid() >> 32, source = NO_SOURCE, place;
	volatile __u64 *birth = birth_of(pid);
	char name[COMM_LEN];

	if (!birth)
		return NO_PLACE;
	word = *birth;
	if (is_birth_of(word, pid)) {
		source = source_of_birth(word);
	} else {
		word = BIRTH_SETTLED;
	}
	if (source == NO_SOURCE && parent)
		source = find_source(STORM_PROCESS, parent, parent_start_ns, now, 0);
	else if (source == NO_SOURCE)
		source = find_source(STORM_PROCESS, pid, start_ns, now, 1);
	if (source == NO_SOURCE)
		return NO_PLACE;
	place = charge(source, now);
	word &= 31ULL << BIRTH_FORKS_AT | BIRTH_DEEP | BIRTH_SETTLED | BIRTH_SHOWN;
	if (place == NO_PLACE) {
		keep_birth(pid, source, word);
		return NO_PLACE;
	}
	bpf_get_current_comm(name, sizeof(name));
	bpf_probe_read_kernel_str(comm, COMM_LEN, name);
	if (is_first_exec(place, now, comm[0], comm[1])) {
		keep_birth(pid, source, word | BIRTH_SHOWN);
		return NO_PLACE;
	}
	if (is_folded) {
		keep_birth(pid, source, word);
		return NO_PLACE;
	}
	keep_birth(pid, source, word | BIRTH_MISSED);
	count_in_storm(place, EVENT_EXEC, comm[0], comm[1]);
	return place;
}

/* A flag beside the place of a storm: the last exec of the process was only counted. */
#define EXIT_MISSED_EXEC 0x80000000
#define EXIT_NO_PLACE 0x7fffffff

/* Returns the place of the storm that counts the exit of a process, or EXIT_NO_PLACE if it is sent. */
__noinline __u32 storm_of_exit(__u32 pid, __u32 parent, __u64 parent_start_ns)
{
	__u32 source = NO_SOURCE, place, missed = 0;
	__u64 now = bpf_ktime_get_boot_ns(), word = 0;
	volatile __u64 *birth = birth_of(pid);

	if (!birth)
		return EXIT_NO_PLACE;
	word = *birth;
	if (is_birth_of(word, pid)) {
		*birth = 0;
		source = source_of_birth(word);
		if (word & BIRTH_MISSED)
			missed = EXIT_MISSED_EXEC;
	} else {
		word = 0;
	}
	if (source == NO_SOURCE && parent)
		source = find_source(STORM_PROCESS, parent, parent_start_ns, now, 0);
	if (source == NO_SOURCE)
		return missed | EXIT_NO_PLACE;
	place = charge(source, now);
	return missed | (word & BIRTH_SHOWN ? EXIT_NO_PLACE : place & EXIT_NO_PLACE);
}

/* Whether the programs send the record of an ended process, as they send the first exec of a name in a minute. */
__noinline __u32 is_first_end(__u32 storm, __u64 comm_0, __u64 comm_1)
{
	return is_first_exec(storm, bpf_ktime_get_boot_ns(), comm_0, comm_1);
}

/*
 * Returns the place of the storm that counts the end of a process, or EXIT_NO_PLACE if its record is sent. Used at the
 * level of detail `processes`, where the programs send only one record of a process, at its end.
 * @place: the result of storm_of_exit()
 */
static __always_inline __u32 storm_of_process(__u32 place, const char *name)
{
	__u64 comm[COMM_LEN / 8] = {};

	if (place == EXIT_NO_PLACE)
		return place;
	bpf_probe_read_kernel_str(comm, COMM_LEN, name);
	return is_first_end(place, comm[0], comm[1]) ? EXIT_NO_PLACE : place;
}

/* The bytes after the NUL of a comm are arbitrary; in a key they must be 0. */
static __always_inline void count_suppressed(__u32 storm, enum event_type type, const char *name)
{
	__u64 comm[COMM_LEN / 8] = {};

	bpf_probe_read_kernel_str(comm, COMM_LEN, name);
	count_in_storm(storm, type, comm[0], comm[1]);
}

static __always_inline void count_suppressed_exit(__u32 storm, const struct exit_event *e, __u64 unaccounted)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	struct cpu_split cpu;

	COUNT(suppressed[EVENT_EXIT]);
	count_suppressed(storm, EVENT_EXIT, e->p.comm);
	if (!t)
		return;
	COUNT_EXIT_RESULT(t, e->p.known, e);
	if (!(e->p.known & KNOWN_CPU))
		return;
	cpu = split_cpu(e, unaccounted);
	__sync_fetch_and_add(&t->cpu_user_ns, cpu.user_ns);
	__sync_fetch_and_add(&t->cpu_system_ns, cpu.system_ns);
}

#endif
