/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Storms: if the events of a source come faster than a rate, the programs count them instead of sending them. So such a source
 * does not use up the room of the others.
 *
 * In normal times the cost is one comparison per event: each CPU counts its events in windows. As long as every CPU stays
 * below its share of the rate, no source can be above the rate. If one CPU exceeds its share, all CPUs watch sources for a
 * while.
 *
 * The fork of a process decides its source. The exec and exit of the process belong to the same source. The source is
 * - the process that forked it;
 * - the cgroup (in the root cgroup: the uid), if the forker is an init, a subreaper or a kernel thread;
 * - the source of the forker, if the forker is young and has forked at most twice. So a loop that forks twice and lets the
 *   middle process end is one source, and its orphans do not count for the process that adopts them;
 * - the changing forkers of the cgroup, if both the forker and its own forker are young in this sense. They are a source
 *   of their own, apart from the cgroup itself.
 * If no program watched the fork of a process and its parent has adopted it, its events belong to the process itself.
 *
 * If a process above the rate finds no place for its storm, the storm of its crowd counts its events. There is one crowd for each
 * cgroup, and in the root cgroup for each uid. A crowd is a source to which no event belongs: it only keeps the place for the
 * sources that are above the rate themselves.
 *
 * All maps are arrays of fixed size, used as hash tables without a lock. If two CPUs enter two sources at the same place at
 * the same time, the place may have a mixed key. No source finds that place, and a later source soon takes it.
 */
#ifndef LINNIX_STORMS_H
#define LINNIX_STORMS_H

#include "level.h"
#include "maps.h"
#include "storm.h"
#include "totals.h"

enum storm_kind *unused_storm_kind __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, STORM_PLACES);
	__type(key, __u32);
	__type(value, struct storm);
} storms SEC(".maps");

_Static_assert(sizeof(struct storm) % 8 == 0, "an element of a mapped array is a multiple of 8 bytes");

/*
 * The first FEW_FORKS forks of a young process belong to the source of that process. FEW_DEEP_FORKS is for a process whose forker was a
 * young process as well.
 */
#define FEW_FORKS 2
#define FEW_DEEP_FORKS 16
/* A process is young up to this age. The tracepoint backend does not know ages, and only counts the forks. */
#define YOUNG_NS 1000000000
/* How long the programs watch sources after a CPU exceeded its share, and after a storm. */
#define BUSY_NS 1000000000
#define BUSY_AFTER_STORM_NS 10000000000ULL
/* The programs do not write busy_until_ns to extend it by less than this. */
#define BUSY_STEP_NS 100000000
/*
 * In a storm the exec of a name is sent if its last exec is longer ago than NEW_COMM_S: a minute, in units of 2^30 ns. But at
 * most SENT_EXECS are sent per second.
 */
#define NEW_COMM_S 56
#define SENT_EXECS 20

/* A power of two. */
#define STORM_SOURCES 512
#define SOURCE_PROBES 8
#define NO_SOURCE 0xffffffff
#define ROOT_CGROUP_ID 1
/* Instead of the place of a storm: there was none when the source exceeded the rate. */
#define NO_ROOM 0xfffffffe

struct storm_source {
	__u64 id; /* start_ns of a process (0: unknown), a cgroup id or a uid */
	__u32 pid; /* of a process */
	__u32 kind; /* enum storm_kind; 0: free */
	__u64 due_ns; /* the token bucket is full again at this time; if that is more than STORM_WINDOW_NS ahead, the source is above the rate */
	__u64 half_due_ns; /* the same for half of the rate, during a storm */
	__u64 least_due_ns; /* the same for the rate while a ring fills up */
	__u64 until_ns; /* end of its storm */
	__u64 cgroup_id; /* 0: unknown */
	__u32 uid; /* STORM_NO_UID: unknown */
	__u32 storm; /* place of its storm; NO_ROOM: its crowd counts it */
	__u32 generation; /* how often this place was taken */
	__u32 event_ns; /* 1e9 / the rate that its storm exceeded */
	char comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STORM_SOURCES);
	__type(key, __u32);
	__type(value, struct storm_source);
} storm_sources SEC(".maps");

/*
 * Data of each process whose fork a program watched, by pid. A later process may replace an earlier one. It is one word, so
 * that a program writes it as a whole. User space reads it in src/probes/storm-births.ts.
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
#define BIRTH_PID_AT 34 /* 8 bits: the bits of the pid above the lower 14, which are the place */
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

static __always_inline void stay_busy(__u64 now_ns, __u64 for_ns)
{
	__u64 until = detail.storms.busy_until_ns;

	if (now_ns >= until)
		detail.storms.epoch++;
	if (now_ns + for_ns >= until + BUSY_STEP_NS)
		detail.storms.busy_until_ns = now_ns + for_ns;
}

static __always_inline struct storm_window *this_window(void)
{
	struct cpu_counters *c = cpu_counters();

	return c ? &c->window : NULL;
}

/* Bytes that a record takes in a ring in addition to its own. */
#define RECORD_HEAD 24

/* Adds the bytes of a record that a program sends. */
static __always_inline void note_sent(__u32 mode, __u64 bytes)
{
	struct storm_window *window;

	if (!(mode & MODE_STORMS))
		return;
	window = this_window();
	if (!window)
		return;
	if (window->drains != detail.storms.drains) {
		window->drains = detail.storms.drains;
		window->sent_bytes = 0;
	}
	window->sent_bytes += bytes + RECORD_HEAD;
}

/* Whether the ring of this CPU is filling up, because user space does not empty it in time. */
static __always_inline bool is_filling(const struct storm_window *window)
{
	__u32 share = detail.storms.ring_share;

	return share && window->sent_bytes >= share && window->drains == detail.storms.drains;
}

/* Counts the event. Returns whether the programs watch sources now. */
static __always_inline bool watches_sources(__u64 now_ns)
{
	struct storm_window *window = this_window();

	if (!window)
		return false;
	if (now_ns - window->since_ns >= STORM_WINDOW_NS) {
		window->since_ns = now_ns;
		window->events = 0;
	}
	if (++window->events > detail.storms.cpu_share || is_filling(window)) {
		stay_busy(now_ns, BUSY_NS);
		return true;
	}
	return now_ns < detail.storms.busy_until_ns;
}

/*
 * Each backend defines this: describes the parent of the current process as a source. What the backend cannot find out, it sets
 * to unknown; user space looks for it in its table of processes.
 */
static __always_inline void describe_parent(struct storm_source *s);

/* The functions below are not static, for the same reason as find_place() in totals.h. */

/* Whether a source is a process or descends from one. All others are cgroups and uids. */
static __always_inline bool is_of_process(__u32 kind)
{
	return kind == STORM_PROCESS || kind & STORM_CHANGING;
}

/*
 * The place of a source. A new source replaces the least used of the sources that have no storm.
 * @is_current: the source is the current process, or no process
 */
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
		if (now_ns < s->until_ns && s->storm != NO_ROOM)
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
	if (is_current) {
		s->uid = bpf_get_current_uid_gid();
		s->cgroup_id = bpf_get_current_cgroup_id();
		bpf_get_current_comm(s->comm, sizeof(s->comm));
	} else {
		describe_parent(s);
	}
	/* For a child that a reaper forks, the current process is the reaper. */
	if ((kind & STORM_UID) == STORM_UID)
		s->uid = id;
	else if (kind & STORM_CGROUP)
		s->cgroup_id = id;
	barrier();
	s->kind = kind;
	return best;
}

/* Takes a place for a storm: one from `place` on, before `end`. Returns NO_ROOM if there is none. */
static __always_inline __u32 take_storm(__u32 place, __u32 end)
{
	for (__u32 i = 0; i < STORM_PLACES && place < end; i++, place++) {
		struct storm *storm = bpf_map_lookup_elem(&storms, &place);

		if (!storm)
			break;
		if (LATEST(storm->claims))
			continue;
		__sync_fetch_and_add(&storm->claims, 1);
		if (LATEST(storm->claims) == 1)
			return place;
	}
	return NO_ROOM;
}

/* Begins the storm of a source. Returns its place, or NO_ROOM. */
__noinline __u32 begin_storm(__u32 source, __u64 now_ns)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u32 place = 0, end = STORM_PROCESS_PLACES;
	struct storm *storm;

	if (!s)
		return NO_ROOM;
	if (!is_of_process(s->kind)) {
		place = STORM_PROCESS_PLACES;
		/* Only the crowd of the root cgroup may take the last place. */
		end = STORM_PLACES - (s->kind != (STORM_CGROUP | STORM_CROWD) || s->id != ROOT_CGROUP_ID);
	}
	place = take_storm(place, end);
	storm = bpf_map_lookup_elem(&storms, &place);
	if (storm) {
		storm->kind = s->kind;
		storm->pid = s->kind == STORM_PROCESS ? s->pid : 0;
		storm->start_ns = s->kind == STORM_PROCESS ? s->id : 0;
		storm->cgroup_id = s->cgroup_id;
		storm->uid = s->uid;
		__builtin_memcpy(storm->comm, s->comm, COMM_LEN);
		storm->since_ns = now_ns;
		storm->until_ns = now_ns + STORM_CALM_NS;
		barrier();
		LATEST(storm->is_ready) = 1;
	}
	s->storm = place;
	s->half_due_ns = now_ns;
	barrier();
	LATEST(s->until_ns) = now_ns + STORM_CALM_NS;
	stay_busy(now_ns, BUSY_AFTER_STORM_NS);
	return place;
}

/* 1e9 / the rate of a source while a ring fills up. */
#define LEAST_EVENT_NS 1000000

/* Whether the ring of this CPU is filling up and the source is above the rate for that case. */
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

/*
 * Counts one more event of a source. Returns the place of its storm, NO_PLACE if it has no storm, or NO_ROOM.
 * @is_over: the source is above the rate, whatever its token bucket says
 */
__noinline __u32 charge_source(__u32 source, __u64 now_ns, __u32 is_over)
{
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &source);
	__u32 event_ns = detail.storms.event_ns, place;
	struct storm *storm;

	if (!s || !event_ns)
		return NO_PLACE;
	if (LATEST(s->due_ns) < now_ns)
		LATEST(s->due_ns) = now_ns;
	if (LATEST(s->due_ns) > now_ns + STORM_WINDOW_NS)
		is_over = 1;
	else
		__sync_fetch_and_add(&s->due_ns, event_ns);
	if (now_ns >= LATEST(s->until_ns)) {
		s->event_ns = event_ns;
		if (!is_over && detail.storms.ring_share && is_over_least(s, now_ns)) {
			is_over = 1;
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
	/*
	 * Not at each event, because other CPUs read until_ns. It writes the copy in `storm` first: user space frees the place
	 * some time after that.
	 */
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

/* Counts one more event of a source. Returns the place of the storm that counts it, or NO_PLACE if the event is sent. */
__noinline __u32 charge(__u32 source, __u64 now_ns)
{
	__u32 place = charge_source(source, now_ns, 0), crowd;
	__u64 cgroup_id;

	if (place != NO_ROOM)
		return place;
	cgroup_id = bpf_get_current_cgroup_id();
	if (cgroup_id > ROOT_CGROUP_ID)
		crowd = find_source(STORM_CGROUP | STORM_CROWD, 0, cgroup_id, now_ns, 1);
	else
		crowd = find_source(STORM_UID | STORM_CROWD, 0, (__u32)bpf_get_current_uid_gid(), now_ns, 1);
	place = charge_source(crowd, now_ns, 1);
	if (place == NO_ROOM) {
		/* There are more crowds than places. */
		crowd = find_source(STORM_CGROUP | STORM_CROWD, 0, ROOT_CGROUP_ID, now_ns, 1);
		place = charge_source(crowd, now_ns, 1);
	}
	return place == NO_ROOM ? NO_PLACE : place;
}

/* The source in the word of a process. Returns NO_SOURCE if another source has taken its place. */
static __always_inline __u32 source_of_birth(__u64 birth)
{
	__u32 place = birth & BIRTH_SOURCE;
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &place);

	return s && (s->generation & 0xffff) == (birth >> BIRTH_GENERATION_AT & 0xffff) ? place : NO_SOURCE;
}

/* The pid of the settled process that a process with that word descends from; 0: not known, or a reaper. */
static __always_inline __u32 first_forker(__u64 birth)
{
	__u32 place = source_of_birth(birth);
	struct storm_source *s = bpf_map_lookup_elem(&storm_sources, &place);

	return s ? s->pid : 0;
}

/* Keeps the source of a process. @flags: BIRTH_* */
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

/* fork_flags */
#define FORKED_BY_REAPER 1 /* the forker is an init, a subreaper or a kernel thread */

/*
 * Runs in the forker. Returns the place of the storm that counts the fork, or NO_PLACE if the fork is sent.
 * @start_ns: of the forker; 0: unknown
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
	} else {
		source = find_source(STORM_PROCESS, forker, start_ns, now, 1);
	}
	if (source == NO_SOURCE)
		return NO_PLACE;
	keep_birth(child, source, flags);
	return charge(source, now);
}

/* The place of a name in a storm. Enters the name if there is room, and otherwise returns NO_PLACE. */
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
	 * Each name that finds no place takes one life from another name, so the most frequent names stay. A process that often
	 * renames itself only replaces names that occurred once.
	 */
	if (free == NO_PLACE) {
		c = &t->comms[hash & (STORM_COMMS - 1)];
		if (LATEST(c->life))
			__sync_fetch_and_add(&c->life, -1);
		/* Two CPUs took the last life. */
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

/* Whether this is the first exec of a name in a minute and few such execs were sent in this second. */
static __always_inline bool is_first_exec(__u32 storm, __u64 now_ns, __u64 comm_0, __u64 comm_1)
{
	struct storm *t = bpf_map_lookup_elem(&storms, &storm);
	__u32 at = find_storm_comm(storm, comm_0, comm_1);
	__u32 now_s = (now_ns >> 30) + 1, before;

	if (!t)
		return false;
	if (at < STORM_COMMS) {
		before = t->comms[at].exec_s;
		if (before && now_s - before < NEW_COMM_S) {
			t->comms[at].exec_s = now_s;
			return false;
		}
	}
	if (now_ns - t->sent_since_ns >= 1000000000) {
		t->sent_since_ns = now_ns;
		t->sent_execs = 0;
	}
	/* Its name stays new until one of its execs is sent. */
	if (t->sent_execs >= SENT_EXECS)
		return false;
	t->sent_execs++;
	if (at < STORM_COMMS)
		t->comms[at].exec_s = now_s;
	return true;
}

/*
 * Runs in the process that calls exec. Returns the place of the storm that counts the exec, or NO_PLACE if it is sent.
 * @parent: 0 if the parent is unknown, or has adopted the process
 * @is_folded: no exec is sent, but the record of the process at its end
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

/* Whether the end of a process is the first record of its name in a minute: what it executed came before the storm. */
__noinline __u32 is_first_end(__u32 storm, __u64 comm_0, __u64 comm_1)
{
	return is_first_exec(storm, bpf_ktime_get_boot_ns(), comm_0, comm_1);
}

/*
 * The same for the level of detail `processes`, where the record at the end is all that is sent of a process.
 * @place: what storm_of_exit() gave
 */
static __always_inline __u32 storm_of_process(__u32 place, const char *name)
{
	__u64 comm[COMM_LEN / 8] = {};

	if (place == EXIT_NO_PLACE)
		return place;
	bpf_probe_read_kernel_str(comm, COMM_LEN, name);
	return is_first_end(place, comm[0], comm[1]) ? EXIT_NO_PLACE : place;
}

/* A comm may have any bytes after its NUL; a key must not. */
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
