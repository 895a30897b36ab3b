// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * The "tracepoint" backend: fork, exec and exit from classic tracepoints, for kernels without BTF. Nothing here is
 * relocated: the knobs contain the offsets of the tracepoints' fields. Fields that only task_struct has stay unknown.
 */
/* Classic tracepoints do not report the arguments of an exec. */
#define DEFAULT_ARGS_BYTES 0

#include "kernel.h"
#include "process.h"
#include "maps.h"
#include "images.h"
#include "level.h"
#include "totals.h"
#include "watched-cgroup.h"
#include "storms.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* include/uapi/linux/sched.h */
#define CLONE_PARENT 0x00008000
#define CLONE_THREAD 0x00010000
#define CLONE_INTO_CGROUP 0x200000000ULL

/* The pid of kthreadd, the parent of kernel threads. init has the pid 1. */
#define KTHREADD 2

struct tracepoint_exec {
	struct exec_event e;
	char filename[MAX_PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tracepoint_exec);
} scratch SEC(".maps");

/* By pid. User space adds the processes that run already. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 262144);
	__type(key, __u32);
	__type(value, struct thread_group);
} thread_groups SEC(".maps");

/* When a process was forked. Used only with --min-duration. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} forked_at SEC(".maps");

static __always_inline __u32 read_u32(void *ctx, __u32 offset)
{
	__u32 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), ctx + offset);
	return value;
}

static __always_inline bool in_wanted_cgroup(void)
{
	return !knobs.filter_cgroup || bpf_get_current_ancestor_cgroup_id(knobs.cgroup_level) == watched_cgroup_id();
}

/* Attached only if --cgroup names a path from the root of the hierarchy, so that the whole path can be compared. */
SEC("tracepoint/cgroup/cgroup_mkdir")
int follow_cgroup(void *ctx)
{
	__u64 id = 0;

	/* Only the default hierarchy (v2): each v1 hierarchy numbers its cgroups by itself. */
	if (read_u32(ctx, knobs.mkdir_root_offset) != 0)
		return 0;
	bpf_probe_read_kernel(&id, sizeof(id), ctx + knobs.mkdir_id_offset);
	/* The low half of a __data_loc word is the offset. */
	watch_new_cgroup(id, ctx + (read_u32(ctx, knobs.mkdir_path_offset) & 0xffff));
	return 0;
}

/* Fills every byte of the head with data that helpers return about the current task. */
static __always_inline void fill_current(struct process_event *e, enum event_type type)
{
	__u64 ids = bpf_get_current_uid_gid();

	e->type = type;
	e->reserved_head = 0;
	e->known = KNOWN_CGROUP;
	e->cpu = bpf_get_smp_processor_id();
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = 0;
	e->ns_pid = 0;
	e->uid = ids;
	e->gid = ids >> 32;
	/* No helper returns these. */
	e->euid = 0;
	e->egid = 0;
	e->auid = 0;
	e->start_ns = 0;
	e->parent_start_ns = 0;
	e->cgroup_id = bpf_get_current_cgroup_id();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->ts_ns = bpf_ktime_get_boot_ns();
}

/*
 * Counts a new thread. The leader creates the first additional thread, so the current comm is the leader's name. A program
 * can find that name only here and when the leader is renamed.
 */
static __always_inline void count_thread(__u32 pid)
{
	struct thread_group *group;

	COUNT(threads_started);
	group = bpf_map_lookup_elem(&thread_groups, &pid);
	if (group) {
		__sync_fetch_and_add(&group->extra_threads, 1);
	} else {
		struct thread_group first = { .extra_threads = 1 };

		bpf_get_current_comm(first.comm, sizeof(first.comm));
		if (bpf_map_update_elem(&thread_groups, &pid, &first, BPF_ANY) < 0)
			had_no_room(MAP_THREAD_GROUPS);
	}
}

/* No helper returns data of the parent. */
static __always_inline void describe_parent(struct storm_source *s)
{
	s->uid = STORM_NO_UID;
	s->cgroup_id = 0;
	__builtin_memset(s->comm, 0, sizeof(s->comm));
}

/* No helper returns the age of a process. */
static __always_inline __u32 settled_ancestor(__u64 now_ns)
{
	return NO_ANCESTOR;
}

SEC("tracepoint/task/task_newtask")
int handle_fork(void *ctx)
{
	struct process_event e = {};
	__u64 clone_flags = 0;
	__u32 forker, mode, storm = NO_PLACE;

	bpf_probe_read_kernel(&clone_flags, sizeof(clone_flags), ctx + knobs.newtask_clone_flags_offset);
	fill_current(&e, EVENT_FORK);
	forker = e.pid;
	if (clone_flags & CLONE_THREAD) {
		count_thread(forker);
		return 0;
	}
	COUNT(seen[EVENT_FORK]);
	e.pid = read_u32(ctx, knobs.newtask_pid_offset);
	bpf_probe_read_kernel(e.comm, sizeof(e.comm), ctx + knobs.newtask_comm_offset);
	if (!(clone_flags & CLONE_PARENT)) {
		e.ppid = forker;
		e.known |= KNOWN_PPID;
	}
	if (clone_flags & CLONE_INTO_CGROUP) {
		e.cgroup_id = 0;
		e.known &= ~KNOWN_CGROUP;
	}
	track_child(forker, e.pid);
	mode = detail_mode();
	if ((mode & MODE_LEVEL) == DETAIL_PROCESSES) {
		if (may_be_wanted(e.pid))
			inherit_image(&e, forker, 0);
	} else if (has_missed_exec(forker)) {
		miss_exec(e.pid);
	}
	if (knobs.min_duration_ns)
		bpf_map_update_elem(&forked_at, &e.pid, &e.ts_ns, BPF_ANY);
	if (!wants(&e, EVENT_FORK) || !in_wanted_cgroup()) {
		COUNT(filtered[EVENT_FORK]);
		return 0;
	}
	if (mode) {
		/* Of the processes that adopt orphans, this backend knows only process 1. */
		if (mode & MODE_STORMS && (mode & MODE_LEVEL) != DETAIL_SUMMARY && watches_sources(e.ts_ns))
			storm = storm_of_fork(0, e.pid, e.cgroup_id, e.uid, forker <= KTHREADD ? FORKED_BY_REAPER : 0);
		if (adds_up(mode, mode & MODE_LEVEL))
			add_started(mode, kind_of(mode, mode & MODE_LEVEL, false), &e);
		if ((mode & MODE_LEVEL) != DETAIL_EVENTS) {
			COUNT(folded[EVENT_FORK]);
			return 0;
		}
		if (storm != NO_PLACE) {
			COUNT(suppressed[EVENT_FORK]);
			count_suppressed(storm, EVENT_FORK, e.comm);
			return 0;
		}
	}
	note_sent(mode, sizeof(e));
	emit(ctx, &e, EVENT_FORK, sizeof(e));
	return 0;
}

/*
 * The name that a process had before its last renaming. An exec renames the process before the exec's tracepoint, so at
 * that tracepoint the last renaming is the exec's own.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct comm_key);
} old_comms SEC(".maps");

static __always_inline void take_old_comm(struct exec_event *e)
{
	struct comm_key *old = bpf_map_lookup_elem(&old_comms, &e->p.pid);

	if (old) {
		__builtin_memcpy(e->old_comm, old->comm, COMM_LEN);
		e->p.known |= KNOWN_OLD_COMM;
	} else {
		__builtin_memset(e->old_comm, 0, COMM_LEN);
	}
}

SEC("tracepoint/task/task_rename")
int handle_rename(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	struct thread_group *group;

	/* Only the leader's name is the name of the process. Another thread may rename the leader, through /proc. */
	if (read_u32(ctx, knobs.rename_pid_offset) != pid)
		return 0;
	group = bpf_map_lookup_elem(&thread_groups, &pid);
	if (group)
		bpf_probe_read_kernel(group->comm, sizeof(group->comm), ctx + knobs.rename_newcomm_offset);
	if ((__u32)id == pid) {
		struct comm_key old = {};

		bpf_probe_read_kernel_str(old.comm, sizeof(old.comm), ctx + knobs.rename_oldcomm_offset);
		bpf_map_update_elem(&old_comms, &pid, &old, BPF_ANY);
	}
	return 0;
}

SEC("tracepoint/sched/sched_process_exec")
int handle_exec(void *ctx)
{
	struct tracepoint_exec *e;
	__u32 zero = 0, mode;
	bool wanted;
	long length;

	COUNT(seen[EVENT_EXEC]);
	e = bpf_map_lookup_elem(&scratch, &zero);
	if (!e)
		return 0;
	fill_current(&e->e.p, EVENT_EXEC);
	wanted = wants(&e->e.p, EVENT_EXEC) && in_wanted_cgroup();
	mode = detail_mode();
	if (!wanted) {
		COUNT(filtered[EVENT_EXEC]);
		/* The exit of the process may still pass the filters. */
		if ((mode & MODE_LEVEL) != DETAIL_PROCESSES)
			hold_back_exec(e->e.p.pid);
		if ((mode & MODE_LEVEL) != DETAIL_PROCESSES || !may_be_wanted(e->e.p.pid))
			return 0;
	} else if (mode) {
		if (adds_up(mode, mode & MODE_LEVEL))
			add_exec(mode, kind_of(mode, mode & MODE_LEVEL, false), &e->e.p);
		if ((mode & MODE_LEVEL) != DETAIL_EVENTS)
			COUNT(folded[EVENT_EXEC]);
		if ((mode & MODE_LEVEL) == DETAIL_SUMMARY)
			return 0;
		if (mode & MODE_STORMS && watches_sources(e->e.p.ts_ns) &&
		    storm_of_exec(0, 0, 0, (mode & MODE_LEVEL) == DETAIL_PROCESSES) != NO_PLACE) {
			COUNT(suppressed[EVENT_EXEC]);
			return 0;
		}
	}
	e->e.old_tid = read_u32(ctx, knobs.exec_old_pid_offset);
	e->e.exe_len = 0;
	e->e.args_len = 0;
	e->e.args_total = 0;
	e->e.reserved = 0;
	take_old_comm(&e->e);
	/* A __data_loc word has the offset in its low half and the length in its high half. */
	length = bpf_probe_read_kernel_str(e->filename, MAX_PATH_BYTES,
					   ctx + (read_u32(ctx, knobs.exec_filename_offset) & 0xffff));
	if (length < 0 || length > MAX_PATH_BYTES)
		length = 0;
	/* A path that reaches the limit may be cut off. */
	if (length > 0 && length < MAX_PATH_BYTES)
		e->e.p.known |= KNOWN_EXE | EXE_WHOLE;
	e->e.exe_len = length;
	if ((mode & MODE_LEVEL) == DETAIL_PROCESSES) {
		keep_image(&e->e.p, e->filename, length, 0);
		return 0;
	}
	note_sent(mode, sizeof(e->e) + length);
	if (emit(ctx, &e->e.p, EVENT_EXEC, sizeof(e->e) + length))
		forget_missed_exec(e->e.p.pid);
	else
		miss_exec(e->e.p.pid);
	return 0;
}

static __always_inline bool is_last_thread(void *ctx, struct thread_group *group)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = id >> 32;
	__u8 group_dead = 0;

	if (knobs.group_dead_known) {
		bpf_probe_read_kernel(&group_dead, sizeof(group_dead), ctx + knobs.exit_group_dead_offset);
		if (group_dead && group)
			bpf_map_delete_elem(&thread_groups, &pid);
		return group_dead;
	}
	/* No entry: the process has one thread, or user space has not added it yet, or the map had no room for it. */
	if (!group)
		return (__u32)id == pid;
	/*
	 * A thread that finds a negative count ends as the last thread. 5.10 has no atomic addition that returns the old
	 * value, so two threads may find a negative count. The thread that deletes the entry counts as the last one.
	 */
	__sync_fetch_and_add(&group->extra_threads, -1);
	if (*(volatile __s32 *)&group->extra_threads >= 0)
		return false;
	return bpf_map_delete_elem(&thread_groups, &pid) == 0;
}

/* Returns the UNSURE_ bits for the exit of a process that has no entry in thread_groups. */
static __always_inline __u32 unsure_without_group(__u32 pid)
{
	if (knobs.group_dead_known)
		return (__u32)bpf_get_current_pid_tgid() == pid ? 0 : UNSURE_COMM;
	return is_full(MAP_THREAD_GROUPS) ? UNSURE_END : 0;
}

SEC("tracepoint/sched/sched_process_exit")
int handle_exit(void *ctx)
{
	struct thread_group *group;
	struct exit_event e = {};
	__u32 mode;
	bool wanted;

	fill_current(&e.p, EVENT_EXIT);
	group = bpf_map_lookup_elem(&thread_groups, &e.p.pid);
	/*
	 * The current comm is the name of this thread. The entry contains the name of the process; is_last_thread() may delete it.
	 */
	if (group)
		__builtin_memcpy(e.p.comm, group->comm, sizeof(e.p.comm));
	if (!is_last_thread(ctx, group)) {
		COUNT(threads_exited);
		return 0;
	}
	COUNT(seen[EVENT_EXIT]);
	if (!group)
		e.p.known |= unsure_without_group(e.p.pid);
	wanted = wants(&e.p, EVENT_EXIT) && in_wanted_cgroup();
	untrack(e.p.pid);
	if (has_missed_exec(e.p.pid)) {
		e.p.known |= MISSED_EXEC;
		forget_missed_exec(e.p.pid);
	}
	if (knobs.min_duration_ns) {
		__u64 *forked = bpf_map_lookup_elem(&forked_at, &e.p.pid);

		if (forked && e.p.ts_ns - *forked < knobs.min_duration_ns)
			wanted = false;
		bpf_map_delete_elem(&forked_at, &e.p.pid);
	}
	mode = detail_mode();
	if (mode && (!wanted || (mode & MODE_LEVEL) != DETAIL_PROCESSES))
		forget_image(e.p.pid);
	if (!wanted) {
		COUNT(filtered[EVENT_EXIT]);
		return 0;
	}
	/* Classic tracepoints do not report the start time of a process, so the current level of detail applies to its exit. */
	if (mode) {
		__u32 storm = EXIT_NO_PLACE;

		if (mode & MODE_STORMS && (mode & MODE_LEVEL) != DETAIL_SUMMARY && watches_sources(e.p.ts_ns)) {
			storm = storm_of_exit(e.p.pid, 0, 0);
			if (storm & EXIT_MISSED_EXEC)
				e.p.known |= MISSED_EXEC;
			storm &= EXIT_NO_PLACE;
			if ((mode & MODE_LEVEL) == DETAIL_PROCESSES)
				storm = storm_of_process(storm, e.p.comm);
		}
		if (adds_up(mode, mode & MODE_LEVEL))
			add_exit(mode, kind_of(mode, mode & MODE_LEVEL, false), &e, 0);
		if (storm != EXIT_NO_PLACE) {
			count_suppressed_exit(storm, &e, 0);
			if ((mode & MODE_LEVEL) == DETAIL_PROCESSES)
				forget_image(e.p.pid);
			return 0;
		}
		if ((mode & MODE_LEVEL) == DETAIL_PROCESSES) {
			emit_process(ctx, &e, 0);
			return 0;
		}
		if ((mode & MODE_LEVEL) != DETAIL_EVENTS) {
			COUNT(folded[EVENT_EXIT]);
			return 0;
		}
	}
	note_sent(mode, sizeof(e));
	emit(ctx, &e.p, EVENT_EXIT, sizeof(e));
	return 0;
}
