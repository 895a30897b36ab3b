/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Storms: a source whose events come faster than a rate is counted instead of sent, so that it costs others nothing.
 *
 * Below the rate there is a comparison for each event: a CPU counts its events in windows. As long as every CPU stays
 * below its share of the rate, no source can be above the rate. Once a CPU is not, all of them watch sources for a while.
 *
 * The source of a process is decided at its fork, and its exec and exit belong to it. It is
 * - the process that forked it;
 * - the cgroup if that was an init, a subreaper or a kernel thread; in the root cgroup the uid;
 * - the source of the forker if the forker is young and has forked once or twice only: so a loop that forks twice and lets
 *   the middle process end is one source, and what it orphans is not counted for the process that adopts it;
 * - the cgroup of changing forkers, apart from the one above, if the forker of such a forker is young as well.
 * What is sent of a process whose fork was not watched, and that was adopted, belongs to that process itself.
 *
 * All maps are arrays of fixed size, used as hash tables without a lock. Two CPUs that enter two sources at the same place
 * at the same time may leave a key that is of neither: it is not found, and gives way after a moment.
 */
#ifndef LINNIX_STORMS_H
#define LINNIX_STORMS_H

#include "level.h"
#include "maps.h"
#include "storm.h"
#include "totals.h"

/* A section of its own, which user space maps. */
volatile struct storm_limits storm_limits SEC(".data.storms") = {};

enum storm_kind *unused_storm_kind __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STORM_PLACES);
	__type(key, __u32);
	__type(value, struct storm);
} storms SEC(".maps");

_Static_assert(sizeof(struct storm) % 8 == 0, "an element of a mapped array is a multiple of 8 bytes");

/* How many forks of a young process belong to its own source, and of one whose forker was such a process. */
#define FEW_FORKS 2
#define FEW_DEEP_FORKS 16
/* Until then a process is young; the tracepoint backend does not know that, and looks at its forks only. */
#define YOUNG_NS 1000000000
/* Sources are watched for so long after a CPU was above its share, and after a storm. */
#define BUSY_NS 1000000000
#define BUSY_AFTER_STORM_NS 10000000000ULL
/* busy_until_ns is not written for less. */
#define BUSY_STEP_NS 100000000
/* The first exec of a name is sent if it was not executed for so long, in units of 2^30 ns: a minute. */
#define NEW_COMM_S 56
#define SENT_EXECS 20

/* The programs count in windows, each CPU for itself. */
struct storm_window {
	__u64 since_ns;
	__u64 events;
	__u64 sent_bytes; /* since the rings were emptied */
	__u32 drains; /* storm_limits.drains then */
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct storm_window);
} storm_windows SEC(".maps");

/* A power of two. */
#define STORM_SOURCES 512
#define SOURCE_PROBES 8
#define NO_SOURCE 0xffffffff

struct storm_source {
	__u64 id; /* start_ns of a process, or 0 where it is not known; a cgroup or a uid */
	__u32 pid; /* of a process */
	__u32 kind; /* enum storm_kind; 0: free */
	__u64 due_ns; /* the bucket is full at this time; above the rate where it is STORM_WINDOW_NS ahead */
	__u64 half_due_ns; /* the same for half of the rate, while there is a storm */
	__u64 least_due_ns; /* the same for the rate that holds while a ring fills up */
	__u64 until_ns; /* of its storm */
	__u64 cgroup_id;
	__u32 uid;
	__u32 storm; /* its place */
	__u32 generation; /* how often the place was taken */
	__u32 event_ns; /* of the rate that its storm was above */
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STORM_SOURCES);
	__type(key, __u32);
	__type(value, struct storm_source);
} storm_sources SEC(".maps");

/*
 * What is kept of processes whose fork was watched, by pid; a later process takes the place of an earlier one. One word,
 * so that it is written as a whole. User space reads it, src/probes/storm-births.ts.
 */
#define BIRTH_SOURCE_BITS 9
#define BIRTH_SOURCE (STORM_SOURCES - 1) /* its source, a place in storm_sources */
#define BIRTH_GENERATION_AT 9 /* 16 bits: of that place */
#define BIRTH_FORKS_AT 25 /* 5 bits: how often it forked, at most 31 */
#define BIRTH_FORK (1ULL << BIRTH_FORKS_AT)
#define BIRTH_DEEP (1ULL << 30) /* its source is not its forker */
#define BIRTH_SETTLED (1ULL << 31) /* what it forks is its own */
#define BIRTH_MISSED (1ULL << 32) /* what it executes was counted only */
#define BIRTH_SHOWN (1ULL << 33) /* an exec of it was sent in a storm: its exit will be as well */
#define BIRTH_PID_AT 34 /* 8 bits: of the pid those above the place's number, which has 14 */
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

/* The upper bits of the word of a process. */
static __always_inline __u64 birth_who(__u32 pid)
{
	return (__u64)(pid >> 14 & 0xff) << BIRTH_PID_AT | (__u64)storm_limits.epoch << BIRTH_EPOCH_AT;
}

static __always_inline bool is_birth_of(__u64 birth, __u32 pid)
{
	return birth && (birth & BIRTH_WHO_BITS) == birth_who(pid);
}

static __always_inline void stay_busy(__u64 now_ns, __u64 for_ns)
{
	__u64 until = storm_limits.busy_until_ns;

	if (now_ns >= until)
		storm_limits.epoch++;
	if (now_ns + for_ns >= until + BUSY_STEP_NS)
		storm_limits.busy_until_ns = now_ns + for_ns;
}

static __always_inline struct storm_window *this_window(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&storm_windows, &zero);
}

/* What a record takes in a ring beside its own bytes. */
#define RECORD_HEAD 24

/* A record of so many bytes was sent. */
static __always_inline void note_sent(__u32 mode, __u64 bytes)
{
	struct storm_window *window;

	if (!(mode & MODE_STORMS))
		return;
	window = this_window();
	if (!window)
		return;
	if (window->drains != storm_limits.drains) {
		window->drains = storm_limits.drains;
		window->sent_bytes = 0;
	}
	window->sent_bytes += bytes + RECORD_HEAD;
}

/* Whether the ring of this CPU fills up, because user space does not come to empty it. */
static __always_inline bool is_filling(const struct storm_window *window)
{
	__u32 share = storm_limits.ring_share;

	return share && window->sent_bytes >= share && window->drains == storm_limits.drains;
}

/* Whether sources are watched. Counts the event. */
static __always_inline bool watches_sources(__u64 now_ns)
{
	struct storm_window *window = this_window();

	if (!window)
		return false;
	if (now_ns - window->since_ns >= STORM_WINDOW_NS) {
		window->since_ns = now_ns;
		window->events = 0;
	}
	if (++window->events > storm_limits.cpu_share || is_filling(window)) {
		stay_busy(now_ns, BUSY_NS);
		return true;
	}
	return now_ns < storm_limits.busy_until_ns;
}

/* The functions below are not static for the reason that find_place() is not. */

/* The place of a source, which is entered if it has none: the one that is in least use gives way. */
__noinline __u32 find_source(__u32 kind, __u32 pid, __u64 id, __u64 now_ns, __u32 is_current)
{
	__u32 hash = hash_of(id, pid, 0, kind), best = NO_SOURCE;
	__u64 best_due = ~0ULL;
	struct storm_source *s;

	for (__u32 i = 0; i < SOURCE_PROBES; i++) {
		__u32 place = (hash + i) & (STORM_SOURCES - 1);

		s = bpf_map_lookup_elem(&storm_sources, &place);
		if (!s)
			return NO_SOURCE;
		if (s->kind == kind && s->pid == pid && s->id == id)
			return place;
		if (now_ns < s->until_ns)
			continue;
		if (s->due_ns < best_due) {
			best_due = s->due_ns;
			best = place;
		}
	}
	s = bpf_map_lookup_elem(&storm_sources, &best);
	if (!s)
		return NO_SOURCE;
	s->kind = 0;
	barrier();
	s->generation++;
	s->id = id;
	s->pid = pid;
	s->due_ns = 0;
	s->least_due_ns = 0;
	s->until_ns = 0;
	s->uid = bpf_get_current_uid_gid();
	s->cgroup_id = kind & STORM_CGROUP && kind != STORM_UID ? id : bpf_get_current_cgroup_id();
	/* Of another process's name there is nothing to read here; user space may know it. */
	if (is_current)
		bpf_get_current_comm(s->comm, sizeof(s->comm));
	else
		__builtin_memset(s->comm, 0, sizeof(s->comm));
	barrier();
	s->kind = kind;
	return best;
}

/* Takes a place for the storm of a source; NO_PLACE: there is none, and its events are sent. */
__noinline __u32 begin_storm(__u32 source, __u64 now_ns)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);

	if (!s)
		return NO_PLACE;
	for (__u32 i = 0; i < STORM_PLACES; i++) {
		__u32 place = (source + i) & (STORM_PLACES - 1);
		struct storm *storm = bpf_map_lookup_elem(&storms, &place);

		if (!storm)
			return NO_PLACE;
		if (LATEST(storm->claims))
			continue;
		__sync_fetch_and_add(&storm->claims, 1);
		if (LATEST(storm->claims) != 1)
			continue;
		storm->kind = s->kind;
		storm->pid = s->pid;
		storm->start_ns = s->kind == STORM_PROCESS ? s->id : 0;
		storm->cgroup_id = s->cgroup_id;
		storm->uid = s->uid;
		__builtin_memcpy(storm->comm, s->comm, COMM_LEN);
		storm->since_ns = now_ns;
		storm->until_ns = now_ns + STORM_CALM_NS;
		barrier();
		LATEST(storm->is_ready) = 1;
		s->storm = place;
		s->half_due_ns = now_ns;
		barrier();
		LATEST(s->until_ns) = now_ns + STORM_CALM_NS;
		stay_busy(now_ns, BUSY_AFTER_STORM_NS);
		return place;
	}
	return NO_PLACE;
}

/* 1e9 / the rate of a source while a ring fills up. */
#define LEAST_EVENT_NS 1000000

/* Whether the source is above the rate that holds while a ring fills up, and one does. */
static __always_inline bool is_over_least(struct storm_source *s, __u64 now_ns)
{
	struct storm_window *window = this_window();

	if (LATEST(s->least_due_ns) < now_ns)
		LATEST(s->least_due_ns) = now_ns;
	if (LATEST(s->least_due_ns) <= now_ns + STORM_WINDOW_NS) {
		__sync_fetch_and_add(&s->least_due_ns, LEAST_EVENT_NS);
		return false;
	}
	return window && is_filling(window);
}

/* One more event of a source. The place of its storm; NO_PLACE: there is none. */
__noinline __u32 charge_source(__u32 source, __u64 now_ns)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u32 event_ns = storm_limits.event_ns, place;
	struct storm *storm;
	bool is_over;

	if (!s || !event_ns)
		return NO_PLACE;
	if (LATEST(s->due_ns) < now_ns)
		LATEST(s->due_ns) = now_ns;
	is_over = LATEST(s->due_ns) > now_ns + STORM_WINDOW_NS;
	if (!is_over)
		__sync_fetch_and_add(&s->due_ns, event_ns);
	if (now_ns >= LATEST(s->until_ns)) {
		s->event_ns = event_ns;
		if (!is_over && storm_limits.ring_share && is_over_least(s, now_ns)) {
			is_over = true;
			s->event_ns = LEAST_EVENT_NS;
		}
		return is_over ? begin_storm(source, now_ns) : NO_PLACE;
	}
	if (LATEST(s->half_due_ns) < now_ns)
		LATEST(s->half_due_ns) = now_ns;
	place = s->storm;
	if (LATEST(s->half_due_ns) <= now_ns + STORM_WINDOW_NS) {
		__sync_fetch_and_add(&s->half_due_ns, 2 * (__u64)s->event_ns);
		return place;
	}
	/* Not at each event: other CPUs read it. First for user space, which frees the place some time after that. */
	if (LATEST(s->until_ns) < now_ns + STORM_CALM_NS - BUSY_STEP_NS) {
		storm = bpf_map_lookup_elem(&storms, &place);
		if (storm)
			LATEST(storm->until_ns) = now_ns + STORM_CALM_NS;
		barrier();
		LATEST(s->until_ns) = now_ns + STORM_CALM_NS;
		stay_busy(now_ns, BUSY_AFTER_STORM_NS);
	}
	return place;
}

/* The source that is kept in the word of a process; NO_SOURCE: its place was taken by another one. */
static __always_inline __u32 source_of_birth(__u64 birth)
{
	__u32 place = birth & BIRTH_SOURCE;
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &place);

	return s && (s->generation & 0xffff) == (birth >> BIRTH_GENERATION_AT & 0xffff) ? place : NO_SOURCE;
}

/* Keeps the source of a process. @flags: of a birth's word */
static __always_inline void keep_birth(__u32 pid, __u32 source, __u64 flags)
{
	volatile __u64 *birth = birth_of(pid);
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u64 before;

	if (!birth || !s)
		return;
	before = *birth;
	/* It lives longer than its place is kept: at its exit this is looked up elsewhere. */
	if (before & BIRTH_MISSED && before >> BIRTH_EPOCH_AT == birth_who(0) >> BIRTH_EPOCH_AT && !is_birth_of(before, pid))
		miss_exec((__u32)(before >> BIRTH_PID_AT & 0xff) << 14 | (pid & (STORM_BIRTHS - 1)));
	*birth = birth_who(pid) | flags | (__u64)(s->generation & 0xffff) << BIRTH_GENERATION_AT | (source & BIRTH_SOURCE);
}

/* fork_flags */
#define FORKED_BY_REAPER 1 /* by an init, a subreaper or a kernel thread */

/*
 * Runs in the forker. The place of the storm that the fork belongs to; NO_PLACE: it is sent.
 * @start_ns: of the forker; 0: not known
 */
__noinline __u32 storm_of_fork(__u64 start_ns, __u32 child, __u64 cgroup_id, __u32 uid, __u32 fork_flags)
{
	__u64 now = bpf_ktime_get_boot_ns(), flags = 0, word = 0, id;
	__u32 forker = bpf_get_current_pid_tgid() >> 32, source = NO_SOURCE, kind;
	volatile __u64 *birth = birth_of(forker);

	if (birth)
		word = *birth;
	if (!is_birth_of(word, forker))
		word = 0;
	flags = word & BIRTH_MISSED;
	kind = cgroup_id > 1 ? STORM_CGROUP : STORM_UID;
	id = cgroup_id > 1 ? cgroup_id : uid;
	if (fork_flags & FORKED_BY_REAPER) {
		source = find_source(kind, 0, id, now, 1);
	} else if (birth && word && !(word & BIRTH_SETTLED) && (!start_ns || now - start_ns < YOUNG_NS) &&
		   (word >> BIRTH_FORKS_AT & 31) < (word & BIRTH_DEEP ? FEW_DEEP_FORKS : FEW_FORKS)) {
		*birth = word + BIRTH_FORK;
		flags |= BIRTH_DEEP;
		if (!(word & BIRTH_DEEP))
			source = source_of_birth(word);
		if (source == NO_SOURCE)
			source = find_source(kind | STORM_CHANGING, 0, id, now, 1);
	} else {
		source = find_source(STORM_PROCESS, forker, start_ns, now, 1);
	}
	if (source == NO_SOURCE)
		return NO_PLACE;
	keep_birth(child, source, flags);
	return charge_source(source, now);
}

/* The place of a name in a storm, which is entered if there is room for it; NO_PLACE: there is not. */
__noinline __u32 find_storm_comm(__u32 storm, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 hash = hash_of(0, comm_0, comm_1, 0), free = NO_PLACE;
	struct storm_comm *c;

	if (!t)
		return NO_PLACE;
	for (__u32 i = 0; i < 8; i++) {
		__u32 at = (hash + i) & (STORM_COMMS - 1);
		const __u64 *comm;

		c = &t->comms[at];
		comm = (const __u64 *)c->comm;
		if (comm[0] == comm_0 && comm[1] == comm_1 && LATEST(c->life))
			return at;
		if (free == NO_PLACE && !LATEST(c->life))
			free = at;
	}
	/*
	 * Each name that finds no place takes one life of another: those that are met most often stay. A process that renames
	 * itself takes the places of names that were met once.
	 */
	if (free == NO_PLACE) {
		c = &t->comms[hash & (STORM_COMMS - 1)];
		if (LATEST(c->life))
			__sync_fetch_and_add(&c->life, -1);
		/* Two CPUs took the last one. */
		if (LATEST(c->life) >> 31)
			LATEST(c->life) = 0;
		return NO_PLACE;
	}
	c = &t->comms[free & (STORM_COMMS - 1)];
	__sync_fetch_and_add(&c->life, 1);
	if (LATEST(c->life) != 1)
		return NO_PLACE;
	__sync_fetch_and_add(&t->other_comms, c->count);
	c->count = 0;
	c->exec_s = 0;
	((__u64 *)c->comm)[0] = comm_0;
	((__u64 *)c->comm)[1] = comm_1;
	return free;
}

/* Counts a suppressed event in its storm. */
__noinline int count_in_storm(__u32 storm, __u32 type, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 at = find_storm_comm(storm, comm_0, comm_1);

	if (!t || type >= EVENT_TYPES)
		return 0;
	__sync_fetch_and_add(&t->suppressed[type], 1);
	t->last_ns = bpf_ktime_get_boot_ns();
	if (at >= STORM_COMMS) {
		__sync_fetch_and_add(&t->other_comms, 1);
		return 0;
	}
	__sync_fetch_and_add(&t->comms[at].count, 1);
	__sync_fetch_and_add(&t->comms[at].life, 1);
	return 0;
}

/* Whether the exec of a name is the first one in a minute, and there were few such in this second. */
static __always_inline bool is_first_exec(__u32 storm, __u64 now_ns, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 at = find_storm_comm(storm, comm_0, comm_1);
	__u32 now_s = (now_ns >> 30) + 1;

	if (!t)
		return false;
	if (at < STORM_COMMS) {
		__u32 before = t->comms[at].exec_s;

		t->comms[at].exec_s = now_s;
		if (before && now_s - before < NEW_COMM_S)
			return false;
	}
	if (now_ns - t->sent_since_ns >= 1000000000) {
		t->sent_since_ns = now_ns;
		t->sent_execs = 0;
	}
	if (t->sent_execs >= SENT_EXECS)
		return false;
	t->sent_execs++;
	return true;
}

/*
 * Runs in the process that executes something. The place of the storm that this belongs to; NO_PLACE: it is sent.
 * @parent: 0 where it is not known, or adopted the process
 */
__noinline __u32 storm_of_exec(__u64 start_ns, __u32 parent, __u64 parent_start_ns)
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
	place = charge_source(source, now);
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
	keep_birth(pid, source, word | BIRTH_MISSED);
	count_in_storm(place, EVENT_EXEC, comm[0], comm[1]);
	return place;
}

/* Beside the place of a storm: what the process executed last was counted only. */
#define EXIT_MISSED_EXEC 0x80000000
#define EXIT_NO_PLACE 0x7fffffff

/* The place of the storm that the end of a process belongs to, or EXIT_NO_PLACE: it is sent. */
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
	place = charge_source(source, now);
	return missed | (word & BIRTH_SHOWN ? EXIT_NO_PLACE : place & EXIT_NO_PLACE);
}

/* A comm may have anything behind its NUL; a key may not. */
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
	if (!(e->p.known & KNOWN_STATUS))
		__sync_fetch_and_add(&t->exited_unknown, 1);
	else if (e->status & 0x7f)
		__sync_fetch_and_add(&t->exited_signal, 1);
	else if (e->status)
		__sync_fetch_and_add(&t->exited_error, 1);
	else
		__sync_fetch_and_add(&t->exited_ok, 1);
	if (!(e->p.known & KNOWN_CPU))
		return;
	cpu = split_cpu(e, unaccounted);
	__sync_fetch_and_add(&t->cpu_user_ns, cpu.user_ns);
	__sync_fetch_and_add(&t->cpu_system_ns, cpu.system_ns);
}

#endif
