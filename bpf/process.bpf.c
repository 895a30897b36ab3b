// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The "btf" backend: fork, exec and exit of processes from BTF tracepoints. */
#include "kernel.h"
#include "process.h"
#include "core.h"
#include "path.h"
#include "maps.h"
#include "images.h"
#include "level.h"
#include "scheduler-clock.h"
#include "totals.h"
#include "after-exit.h"
#include "watched-cgroup.h"
#include "retry.h"
#include "storms.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * Room to build one exec record: the path, then the arguments. The last component of the path may exceed MAX_PATH_BYTES.
 * User space resizes this if it sets max_args_bytes.
 */
struct exec_scratch {
	struct path_walk walk;
	struct exec_event e;
	char image[MAX_PATH_BYTES + 2048 + NAME_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* 2 if execs are retried: the first program may be preempted while it uses its element */
	__type(key, __u32);
	__type(value, struct exec_scratch);
} scratch SEC(".maps");

/* The exits that were already counted, for kernels that do not report which thread is the last. */
struct exit_key {
	__u64 start_ns;
	__u64 pid;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct exit_key);
	__type(value, __u8);
} counted_exits SEC(".maps");

/* Makes clang keep the types that no map uses as its value: the generated layout needs them. */
struct exit_event *unused_exit __attribute__((unused));
enum event_type *unused_type __attribute__((unused));
enum known *unused_known __attribute__((unused));
enum process_map *unused_map __attribute__((unused));

_Static_assert(sizeof(struct process_event) == 88, "wire: head");
_Static_assert(sizeof(struct exec_event) == 120, "wire: exec");
_Static_assert(sizeof(struct exit_event) == 168, "wire: exit");
_Static_assert(sizeof(struct cpu_counters) == 384, "wire: counters");

static __always_inline bool in_wanted_cgroup(struct task_struct *task)
{
	return !knobs.filter_cgroup || cgroup_ancestor_id(default_cgroup(task), knobs.cgroup_level) == watched_cgroup_id();
}

/* Attached only if --cgroup names a path. */
SEC("tp_btf/cgroup_mkdir")
int follow_cgroup(__u64 *ctx)
{
	struct cgroup *cgroup = (void *)ctx[0];

	/* Only the default hierarchy (v2): each v1 hierarchy numbers its cgroups by itself. */
	if (cgroup->root->hierarchy_id != 0 || cgroup->level != knobs.cgroup_level)
		return 0;
	if (cgroup_ancestor_id(cgroup, knobs.cgroup_base_level) != knobs.cgroup_base_id)
		return 0;
	watch_new_cgroup(cgroup->kn->id, (const char *)ctx[1]);
	return 0;
}

/* start_boottime of the current process. */
static __always_inline __u64 current_start_ns(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, group_leader, start_boottime);
}

/* Whether a process may have children that it did not fork. */
static __always_inline bool is_reaper(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	return BPF_CORE_READ(task, flags) & PF_KTHREAD || BPF_CORE_READ(signal, flags) & SIGNAL_UNKILLABLE ||
	       BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper);
}

/* The pid of the parent if the parent forked the process; 0 if it may have adopted the process. */
static __always_inline __u32 true_parent(struct task_struct *task, const struct process_event *e)
{
	return e->parent_start_ns && !is_reaper(task->real_parent) ? e->ppid : 0;
}

static __always_inline void describe_parent(struct storm_source *s)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *parent = BPF_CORE_READ(task, real_parent, group_leader);

	s->uid = STORM_NO_UID;
	s->cgroup_id = 0;
	__builtin_memset(s->comm, 0, sizeof(s->comm));
	/* The parent may have ended since s->pid was read, and another process may have adopted the current process. */
	if (BPF_CORE_READ(parent, tgid) != s->pid || BPF_CORE_READ(parent, start_boottime) != s->id)
		return;
	s->uid = BPF_CORE_READ(parent, cred, uid.val);
	s->cgroup_id = BPF_CORE_READ(parent, cgroups, dfl_cgrp, kn, id);
	BPF_CORE_READ_INTO(&s->comm, parent, comm);
}

/* Maximum number of young ancestors. If there are more, the nearest settled ancestor is unknown. */
#define YOUNG_ANCESTORS 8

static __always_inline __u32 settled_ancestor(__u64 now_ns)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *ancestor;

	task = BPF_CORE_READ(task, group_leader);
	ancestor = task;
	for (int i = 0; i < YOUNG_ANCESTORS; i++) {
		ancestor = BPF_CORE_READ(ancestor, real_parent, group_leader);
		/* A child of a reaper soon executes a program. If this process has not, the reaper most likely adopted it. */
		if (is_reaper(ancestor))
			return i > 0 || BPF_CORE_READ(task, flags) & PF_FORKNOEXEC ? 0 : NO_ANCESTOR;
		if (now_ns - BPF_CORE_READ(ancestor, start_boottime) >= YOUNG_NS)
			return i > 0 ? BPF_CORE_READ(ancestor, tgid) : NO_ANCESTOR;
	}
	return 0;
}

static __always_inline __u32 fork_storm(const struct process_event *e)
{
	__u32 flags = is_reaper((void *)bpf_get_current_task()) ? FORKED_BY_REAPER : 0;

	return storm_of_fork(current_start_ns(), e->pid, e->cgroup_id, e->uid, flags);
}

/*
 * Runs at task_newtask, which copy_process() calls for each task. sched_process_fork would miss the threads that the kernel
 * itself adds to a process: create_io_thread() for io_uring and vhost_task_create() do not call kernel_clone().
 */
static __always_inline int on_fork(__u64 *ctx)
{
	struct task_struct *child = (void *)ctx[0];
	__u32 forker = bpf_get_current_pid_tgid() >> 32;
	struct process_event e = {};
	enum detail_level level = DETAIL_EVENTS;
	__u32 mode, storm = NO_PLACE;

	if (child->pid != child->tgid) {
		COUNT(threads_started);
		return 0;
	}
	COUNT(seen[EVENT_FORK]);
	fill_identity(&e, EVENT_FORK, child, knobs.filter_uid);
	/* A descendant is a process that a tracked process forked. With CLONE_PARENT its parent is not its forker. */
	track_child(forker, e.pid);
	mode = detail_mode();
	if (mode)
		level = level_at(mode, e.start_ns);
	if (level != DETAIL_SUMMARY)
		fill_details(&e, child);
	if (level == DETAIL_PROCESSES) {
		if (may_be_wanted(e.pid))
			inherit_image(&e, forker, current_start_ns());
	} else if (level == DETAIL_EVENTS && (has_missed_exec(forker) || e.ppid != forker)) {
		/* User space assumes that the child has its parent's image. With CLONE_PARENT it has the forker's image. */
		miss_exec(e.pid);
	}
	if (!wants(&e, EVENT_FORK) || !in_wanted_cgroup(child)) {
		COUNT(filtered[EVENT_FORK]);
		return 0;
	}
	if (mode) {
		if (mode & MODE_STORMS && level != DETAIL_SUMMARY && watches_sources(e.ts_ns))
			storm = fork_storm(&e);
		if (adds_up(mode, level))
			add_started(mode, kind_of(mode, level, child->flags & PF_KTHREAD), &e);
		if (level != DETAIL_EVENTS) {
			COUNT(folded[EVENT_FORK]);
			return 0;
		}
		if (storm != NO_PLACE) {
			COUNT(suppressed[EVENT_FORK]);
			count_suppressed(storm, EVENT_FORK, e.comm);
			return 0;
		}
		/* User space may not know the image of the forker. */
		if (mode & MODE_SWITCHED && level_at(mode, current_start_ns()) != DETAIL_EVENTS)
			miss_exec(e.pid);
	}
	note_sent(mode, sizeof(e));
	emit(ctx, &e, EVENT_FORK, sizeof(e));
	return 0;
}

SEC("tp_btf/task_newtask")
int handle_fork(__u64 *ctx)
{
	claim();
	return on_fork(ctx);
}

SEC("tp_btf/task_newtask")
int retry_fork(__u64 *ctx)
{
	return was_claimed(EVENT_FORK) ? 0 : on_fork(ctx);
}

/*
 * The last renaming on this CPU. An exec gives the process a new mm, then renames the process, and soon after that reaches
 * the tracepoint of the exec, usually on the same CPU. The program at that tracepoint recognizes the renaming by the mm.
 */
struct renaming {
	__u64 mm;
	char old_comm[COMM_LEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct renaming);
} last_renaming SEC(".maps");

SEC("tp_btf/task_rename")
int handle_rename(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	__u32 zero = 0;
	struct renaming *renaming = bpf_map_lookup_elem(&last_renaming, &zero);

	if (!renaming)
		return 0;
	*(volatile __u64 *)&renaming->mm = (__u64)task->mm;
	bpf_probe_read_kernel(renaming->old_comm, sizeof(renaming->old_comm), task->comm);
	return 0;
}

/*
 * Since 7.0 this program may be preempted, and the renaming of another process may then overwrite the mm and the name. The
 * second check of the mm detects that: both programs run on this CPU, so each sees the other's stores in order.
 */
static __always_inline void take_old_comm(struct exec_event *e, struct mm_struct *mm)
{
	__u32 zero = 0;
	struct renaming *renaming = bpf_map_lookup_elem(&last_renaming, &zero);
	volatile __u64 *owner = renaming ? &renaming->mm : NULL;

	if (owner && *owner == (__u64)mm) {
		__builtin_memcpy(e->old_comm, renaming->old_comm, COMM_LEN);
		barrier();
		if (*owner == (__u64)mm)
			e->p.known |= KNOWN_OLD_COMM;
	}
	if (!(e->p.known & KNOWN_OLD_COMM))
		__builtin_memset(e->old_comm, 0, COMM_LEN);
	/* Another mm may soon have the same address, and its renaming may happen on another CPU or be skipped. */
	if (owner)
		*owner = 0;
}

/*
 * A global function, so that the verifier checks it once and not in each turn of the loop around it. The verifier does not
 * let such a function use its caller's pointers, so this function looks up the element again.
 */
__noinline int climb_path(__u32 attempt)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&scratch, &attempt);

	return s ? step_up(&s->walk, (char *)(&s->e + 1), MAX_PATH_BYTES) : PATH_CUT;
}

/* @attempt: 0, or 1 if the kernel skipped the first program */
static __always_inline int on_exec(__u64 *ctx, __u32 attempt)
{
	struct task_struct *task = (void *)ctx[0];
	struct mm_struct *mm;
	struct exec_scratch *s;
	struct exec_event *e;
	__u64 args_start, args_total;
	__u64 exe_length, length;
	enum detail_level level = DETAIL_EVENTS;
	int step = PATH_GOES_ON;
	bool wanted;
	__u32 mode;
	char *data;

	COUNT(seen[EVENT_EXEC]);
	s = bpf_map_lookup_elem(&scratch, &attempt);
	if (!s)
		return 0;
	e = &s->e;
	fill_process(&e->p, EVENT_EXEC, task);
	wanted = wants(&e->p, EVENT_EXEC) && in_wanted_cgroup(task);
	mode = detail_mode();
	if (mode)
		level = level_at(mode, e->p.start_ns);
	if (!wanted) {
		COUNT(filtered[EVENT_EXEC]);
		/* The exit of the process may still pass the filters. */
		if (level != DETAIL_PROCESSES)
			hold_back_exec(e->p.pid);
		if (level != DETAIL_PROCESSES || !may_be_wanted(e->p.pid))
			return 0;
	} else if (mode) {
		if (adds_up(mode, level))
			add_exec(mode, kind_of(mode, level, false), &e->p);
		if (level != DETAIL_EVENTS)
			COUNT(folded[EVENT_EXEC]);
		if (level == DETAIL_SUMMARY)
			return 0;
		if (mode & MODE_STORMS && watches_sources(e->p.ts_ns) &&
		    storm_of_exec(e->p.start_ns, true_parent(task, &e->p), e->p.parent_start_ns, level == DETAIL_PROCESSES) !=
			    NO_PLACE) {
			COUNT(suppressed[EVENT_EXEC]);
			return 0;
		}
	}
	e->old_tid = ctx[1];
	e->exe_len = 0;
	e->args_len = 0;
	e->reserved = 0;

	mm = task->mm;
	take_old_comm(e, mm);
	data = (char *)(e + 1);
	args_start = mm->arg_start;
	args_total = mm->arg_end - args_start;
	begin_path(&s->walk, mm->exe_file);
	/* Without a file every step would fail, so take no step. */
	if (!s->walk.dentry)
		step = PATH_CUT;
	for (int i = 0; i < MAX_PATH_DEPTH && step == PATH_GOES_ON; i++)
		step = climb_path(attempt);
	exe_length = s->walk.length;
	/* The last component may have exceeded the limit. */
	if (step == PATH_WHOLE && exe_length <= MAX_PATH_BYTES) {
		e->p.known |= KNOWN_EXE;
	} else {
		e->p.known |= EXE_CUT;
		if (exe_length > CUT_RECORD_BYTES)
			exe_length = CUT_RECORD_BYTES;
	}
	e->exe_len = exe_length;

	length = knobs.max_args_bytes;
	e->args_total = args_total;
	if (args_total <= length)
		length = args_total;
	else
		e->p.known |= ARGS_CUT;
	/*
	 * Both lengths are bounded already, but the verifier needs a comparison of each length. Before 6.6 it needs a comparison
	 * of all 64 bits, and without the barrier the compiler would compare only 32 bits.
	 */
	barrier_var(exe_length);
	barrier_var(length);
	if (exe_length > MAX_PATH_BYTES || length > knobs.max_args_bytes)
		return 0;
	if (bpf_probe_read_user(data + exe_length, length, (void *)args_start) == 0) {
		e->args_len = length;
		e->p.known |= KNOWN_ARGS;
	} else {
		length = 0; /* the arguments are not in memory: leave them out */
	}
	if (level == DETAIL_PROCESSES) {
		keep_image(&e->p, data, exe_length, length);
		return 0;
	}
	note_sent(mode, sizeof(*e) + exe_length + length);
	if (emit(ctx, &e->p, EVENT_EXEC, sizeof(*e) + exe_length + length))
		forget_missed_exec(e->p.pid);
	else
		miss_exec(e->p.pid);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int handle_exec(__u64 *ctx)
{
	claim();
	return on_exec(ctx, 0);
}

SEC("tp_btf/sched_process_exec")
int retry_exec(__u64 *ctx)
{
	return was_claimed(EVENT_EXEC) ? 0 : on_exec(ctx, 1);
}

/* Adds the figures of a thread. signal_struct contains only the sums of threads that are already released. */
static __always_inline void add_thread(struct exit_event *e, struct task_struct *task)
{
	e->utime_ns += BPF_CORE_READ(task, utime);
	e->stime_ns += BPF_CORE_READ(task, stime);
	e->runtime_ns += BPF_CORE_READ(task, se.sum_exec_runtime);
	e->minor_faults += BPF_CORE_READ(task, min_flt);
	e->major_faults += BPF_CORE_READ(task, maj_flt);
	if (bpf_core_field_exists(task->ioac.read_bytes)) {
		e->read_bytes += BPF_CORE_READ(task, ioac.read_bytes);
		e->write_bytes += BPF_CORE_READ(task, ioac.write_bytes);
	}
}

/* Threads that one call of add_more_threads() adds. The verifier checks each turn of both loops, so both are short. */
#define THREADS_AT_ONCE 64
#define MAX_TURNS 256

_Static_assert(THREADS_AT_ONCE * MAX_TURNS >= MAX_EXIT_THREADS, "knobs.max_exit_threads");

/* The state of a walk along many threads. Helpers read at its kernel addresses. */
struct thread_walk {
	__u64 head;
	__u64 node;
	__u64 left; /* threads that the walk may still add */
	struct exit_event sums;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* 2 if exits are retried: a preempted program may use the first */
	__type(key, __u32);
	__type(value, struct thread_walk);
} thread_walks SEC(".maps");

static __always_inline struct task_struct *thread_at(struct list_head *node)
{
	return (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
}

/*
 * Adds up to THREADS_AT_ONCE threads; returns whether there may be more. A global function, so that the verifier checks
 * it once and not in each turn of the loop around it. The walk is in a map, because the verifier does not know the types of
 * pointers that such a function receives.
 */
__noinline int add_more_threads(__u32 attempt)
{
	struct thread_walk *walk = bpf_map_lookup_elem(&thread_walks, &attempt);

	if (!walk)
		return 0;
	for (int i = 0; i < THREADS_AT_ONCE; i++) {
		struct list_head *node = (void *)walk->node;

		if (!node || walk->node == walk->head || walk->left == 0)
			return 0;
		add_thread(&walk->sums, thread_at(node));
		walk->node = (__u64)BPF_CORE_READ(node, next);
		walk->left--;
	}
	return 1;
}

/* Adds all threads of the list. Returns whether it added all of them. */
static __always_inline bool add_many_threads(struct exit_event *e, struct list_head *head, __u32 attempt)
{
	struct thread_walk *walk = bpf_map_lookup_elem(&thread_walks, &attempt);

	if (!walk)
		return false;
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->head = (__u64)head;
	walk->node = (__u64)BPF_CORE_READ(head, next);
	walk->left = knobs.max_exit_threads;
	for (int i = 0; i < MAX_TURNS; i++) {
		if (!add_more_threads(attempt))
			break;
	}
	e->utime_ns += walk->sums.utime_ns;
	e->stime_ns += walk->sums.stime_ns;
	e->runtime_ns += walk->sums.runtime_ns;
	e->minor_faults += walk->sums.minor_faults;
	e->major_faults += walk->sums.major_faults;
	e->read_bytes += walk->sums.read_bytes;
	e->write_bytes += walk->sums.write_bytes;
	return walk->node == walk->head || walk->node == 0;
}

/*
 * Adds the threads that are still in the list: the last thread; a leader that ended earlier; killed threads that the kernel
 * has not released yet; and any number of threads whose tracer has not waited for them. Returns whether it added all these
 * threads.
 */
static __always_inline bool add_threads(struct exit_event *e, struct task_struct *task, struct signal_struct *signal,
					__u32 attempt)
{
	if (signal->nr_threads <= 1) {
		add_thread(e, task);
		return true;
	}
	return add_many_threads(e, (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head), attempt);
}

/*
 * The time up to which `sum_exec_runtime` contains the running task's CPU time. It is a time of the scheduler's clock, which
 * also stamps perf samples. Only ticks and context switches update this sum, and a short process ends before the first of
 * them. `prev_sum_exec_runtime` is the sum at the moment when the task got the CPU. So the difference of the two sums is the
 * time that the scheduler has added since then. Only the fair class keeps both sums.
 */
static __always_inline __u64 accounted_until(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_arrival))
		return 0;
	if (task->policy != SCHED_NORMAL && task->policy != SCHED_BATCH)
		return 0;
	return task->sched_info.last_arrival + (task->se.sum_exec_runtime - task->se.prev_sum_exec_runtime);
}

/* Whether this thread is the last of its process. It is true for exactly one thread. */
static __always_inline bool is_last_thread(__u64 *ctx, struct task_struct *task, struct signal_struct *signal)
{
	struct exit_key key = {};
	__u8 yes = 1;

	if (bpf_core_field_exists(struct trace_event_raw_sched_process_exit, group_dead))
		return (bool)ctx[1];
	if (signal->live.counter != 0)
		return false;
	/*
	 * Threads that end at the same time may all see that no thread is alive. The kernel may release one of these threads
	 * before the next one gets here, so the list of threads does not help either. The first thread here counts as the last
	 * thread.
	 */
	key.start_ns = task->group_leader->start_boottime;
	key.pid = task->tgid;
	/* Before 6.4 the verifier replaces this helper by a function that returns an int, so the upper half is undefined. */
	return (int)bpf_map_update_elem(&counted_exits, &key, &yes, BPF_NOEXIST) != -EEXIST;
}

/* @attempt: 0, or 1 if the kernel skipped the first program */
static __always_inline int on_exit(__u64 *ctx, __u32 attempt)
{
	struct task_struct *task = (void *)ctx[0];
	struct signal_struct *signal = task->signal;
	struct exit_event e = {};
	enum detail_level level = DETAIL_EVENTS;
	bool wanted;
	__u32 mode;

	if (!is_last_thread(ctx, task, signal)) {
		COUNT(threads_exited);
		return 0;
	}
	COUNT(seen[EVENT_EXIT]);
	fill_identity(&e.p, EVENT_EXIT, task, knobs.filter_uid);
	wanted = wants(&e.p, EVENT_EXIT) && in_wanted_cgroup(task);
	untrack(e.p.pid);
	if (has_missed_exec(e.p.pid)) {
		e.p.known |= MISSED_EXEC;
		forget_missed_exec(e.p.pid);
	}
	if (knobs.min_duration_ns && e.p.ts_ns - e.p.start_ns < knobs.min_duration_ns)
		wanted = false;
	mode = detail_mode();
	if (mode)
		level = level_at(mode, e.p.start_ns);
	if (level != DETAIL_SUMMARY)
		fill_details(&e.p, task);
	if (!wanted) {
		COUNT(filtered[EVENT_EXIT]);
		if (level == DETAIL_PROCESSES)
			forget_image(e.p.pid);
		return 0;
	}

	/* wait(2) reports the group's code if the whole group was made to exit, and the leader's code otherwise. */
	if (signal->flags & SIGNAL_GROUP_EXIT)
		e.status = signal->group_exit_code;
	else
		e.status = task->group_leader->exit_code;
	e.p.known |= KNOWN_STATUS | KNOWN_CPU | KNOWN_RSS | KNOWN_FAULTS;
	e.utime_ns = signal->utime;
	e.stime_ns = signal->stime;
	e.runtime_ns = signal->sum_sched_runtime;
	e.peak_rss_bytes = (__u64)signal->maxrss * knobs.page_size;
	e.minor_faults = signal->min_flt;
	e.major_faults = signal->maj_flt;
	if (bpf_core_field_exists(signal->ioac.read_bytes)) {
		e.read_bytes = signal->ioac.read_bytes;
		e.write_bytes = signal->ioac.write_bytes;
		e.p.known |= KNOWN_IO;
	}
	/* If threads are missing, the sums are too low for the process. */
	if (!add_threads(&e, task, signal, attempt))
		e.p.known &= ~(KNOWN_CPU | KNOWN_FAULTS | KNOWN_IO);
	e.accounted_ns = accounted_until(task);
	if (mode) {
		__u32 storm = EXIT_NO_PLACE;
		__u64 unaccounted = 0;

		if (mode & MODE_STORMS && level != DETAIL_SUMMARY && watches_sources(e.p.ts_ns)) {
			storm = storm_of_exit(e.p.pid, true_parent(task, &e.p), e.p.parent_start_ns);
			if (storm & EXIT_MISSED_EXEC)
				e.p.known |= MISSED_EXEC;
			storm &= EXIT_NO_PLACE;
			if (level == DETAIL_PROCESSES)
				storm = storm_of_process(storm, e.p.comm);
		}
		/*
		 * With cold caches this clock takes a microsecond and a half. If the exit is sent, user space knows the time from the
		 * record, and after-exit.h counts it later.
		 */
		if (level == DETAIL_SUMMARY || storm != EXIT_NO_PLACE)
			unaccounted = unaccounted_ns(&e, scheduler_now(ctx));
		if (adds_up(mode, level)) {
			__u32 kind = kind_of(mode, level, task->flags & PF_KTHREAD);

			add_exit(mode, kind, &e, unaccounted);
			if (mode & MODE_TOTALS)
				note_exit(task, &e.p, kind, unaccounted);
		}
		if (storm != EXIT_NO_PLACE) {
			count_suppressed_exit(storm, &e, unaccounted);
			if (level == DETAIL_PROCESSES)
				forget_image(e.p.pid);
			return 0;
		}
		if (level == DETAIL_PROCESSES) {
			emit_process(ctx, &e, attempt);
			return 0;
		}
		if (level != DETAIL_EVENTS) {
			COUNT(folded[EVENT_EXIT]);
			return 0;
		}
	}
	note_sent(mode, sizeof(e));
	emit(ctx, &e.p, EVENT_EXIT, sizeof(e));
	return 0;
}

/* Attached only if the totals include the processes of all levels (MODE_TOTALS). */
SEC("tp_btf/sched_process_free")
int handle_free(__u64 *ctx)
{
	__u32 mode = detail_mode();

	if (mode & MODE_TOTALS)
		add_after_exit(mode, (void *)ctx[0]);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int handle_exit(__u64 *ctx)
{
	claim();
	return on_exit(ctx, 0);
}

SEC("tp_btf/sched_process_exit")
int retry_exit(__u64 *ctx)
{
	return was_claimed(EVENT_EXIT) ? 0 : on_exit(ctx, 1);
}
