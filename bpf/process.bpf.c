// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* fork, exec and exit of processes by BTF tracepoints: the "btf" backend. */
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
 * Room to build one exec record: a path, the last component of which may cross the limit, then arguments. Resized when
 * max_args_bytes is set.
 */
struct exec_scratch {
	struct path_walk walk;
	struct exec_event e;
	char image[MAX_PATH_BYTES + 2048 + NAME_SIZE];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* 2 where execs are retried: the first may stand preempted in the midst of it */
	__type(key, __u32);
	__type(value, struct exec_scratch);
} scratch SEC(".maps");

/* Exits already counted, for kernels that do not say which thread was the last. */
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

/* Makes clang keep what no map's value names, for the generated layout. */
struct exit_event *unused_exit __attribute__((unused));
enum event_type *unused_type __attribute__((unused));
enum known *unused_known __attribute__((unused));
enum process_map *unused_map __attribute__((unused));

_Static_assert(sizeof(struct process_event) == 88, "wire: head");
_Static_assert(sizeof(struct exec_event) == 120, "wire: exec");
_Static_assert(sizeof(struct exit_event) == 168, "wire: exit");
_Static_assert(sizeof(struct cpu_counters) == 320, "wire: counters");

static __always_inline bool in_wanted_cgroup(struct task_struct *task)
{
	return !knobs.filter_cgroup || cgroup_ancestor_id(default_cgroup(task), knobs.cgroup_level) == watched_cgroup_id();
}

/* Only where --cgroup names a path. */
SEC("tp_btf/cgroup_mkdir")
int follow_cgroup(__u64 *ctx)
{
	struct cgroup *cgroup = (void *)ctx[0];

	/* The default hierarchy; those of v1 number their cgroups by themselves. */
	if (cgroup->root->hierarchy_id != 0 || cgroup->level != knobs.cgroup_level)
		return 0;
	if (cgroup_ancestor_id(cgroup, knobs.cgroup_base_level) != knobs.cgroup_base_id)
		return 0;
	watch_new_cgroup(cgroup->kn->id, (const char *)ctx[1]);
	return 0;
}

/* start_boottime of the process that this runs in. */
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

/* The parent that forked a process; 0: it may have been adopted. */
static __always_inline __u32 true_parent(struct task_struct *task, const struct process_event *e)
{
	return e->parent_start_ns && !is_reaper(task->real_parent) ? e->ppid : 0;
}

static __always_inline __u32 fork_storm(const struct process_event *e)
{
	__u32 flags = is_reaper((void *)bpf_get_current_task()) ? FORKED_BY_REAPER : 0;

	return storm_of_fork(current_start_ns(), e->pid, e->cgroup_id, e->uid, flags);
}

/*
 * At task_newtask, which copy_process() calls for each task. sched_process_fork leaves out the threads that the kernel
 * adds to a process by itself: create_io_thread() for io_uring and vhost_task_create() do not call kernel_clone().
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
	fill_process(&e, EVENT_FORK, child);
	/* The forker, not the parent that CLONE_PARENT may name: what descends is what was forked. */
	track_child(forker, e.pid);
	mode = detail_mode();
	if (mode)
		level = level_at(mode, e.start_ns);
	if (level == DETAIL_PROCESSES) {
		if (may_be_wanted(e.pid))
			inherit_image(&e, forker, current_start_ns());
	} else if (has_missed_exec(forker) || e.ppid != forker) {
		/* User space takes the parent's image for the child's, which it is not where CLONE_PARENT names another parent. */
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
		/* What its parent executes may not have reached user space. */
		if (level_at(mode, current_start_ns()) != DETAIL_EVENTS)
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
 * The last renaming on this CPU. An exec renames its process once that has its
 * new mm, shortly before the exec's own tracepoint and as a rule on the same
 * CPU; by the mm the exec knows that the renaming is its own.
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
 * Since 7.0 this program may be preempted, and the renaming of another process then writes its mm and its name here. The
 * second look at the mm sees that: both run on this CPU, so each sees the other's stores in their order.
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
	/* The same address may be another mm's soon, whose renaming may be on another CPU, or skipped. */
	if (owner)
		*owner = 0;
}

/*
 * Global, so that the verifier looks at it once and not at every turn of the loop
 * around it. Such a function is told nothing of its caller's pointers.
 */
__noinline int climb_path(__u32 attempt)
{
	struct exec_scratch *s = bpf_map_lookup_elem(&scratch, &attempt);

	return s ? step_up(&s->walk, (char *)(&s->e + 1), MAX_PATH_BYTES) : PATH_CUT;
}

/* @attempt: 0, or 1 where the first was skipped */
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
		/* Its end may pass the filters all the same. */
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
		if (mode & MODE_STORMS && level == DETAIL_EVENTS && watches_sources(e->p.ts_ns) &&
		    storm_of_exec(e->p.start_ns, true_parent(task, &e->p), e->p.parent_start_ns) != NO_PLACE) {
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
	/* Without a file every step would fail, up to the last. */
	if (!s->walk.dentry)
		step = PATH_CUT;
	for (int i = 0; i < MAX_PATH_DEPTH && step == PATH_GOES_ON; i++)
		step = climb_path(attempt);
	exe_length = s->walk.length;
	/* The last component may have crossed the limit. */
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
	 * Both are bounded; the verifier wants to see it of each, and before 6.6 of all 64 bits, of which the compiler
	 * would leave half out.
	 */
	barrier_var(exe_length);
	barrier_var(length);
	if (exe_length > MAX_PATH_BYTES || length > knobs.max_args_bytes)
		return 0;
	if (bpf_probe_read_user(data + exe_length, length, (void *)args_start) == 0) {
		e->args_len = length;
		e->p.known |= KNOWN_ARGS;
	} else {
		length = 0; /* not in memory: left out rather than guessed */
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

/* What threads that are gone left in signal_struct, and what each remaining thread still holds. */
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

/* Threads that a process usually has left when its last one ends: their figures are added in place. */
#define FEW_THREADS 32
/* Threads added by one call of add_more_threads(): what a loop of the oldest verifiers may have. */
#define THREADS_AT_ONCE 256
#define MAX_TURNS 64

_Static_assert(THREADS_AT_ONCE * MAX_TURNS >= MAX_EXIT_THREADS, "knobs.max_exit_threads");

/* Where the walk along many threads stands: kernel addresses, read by helper. */
struct thread_walk {
	__u64 head;
	__u64 node;
	__u64 left; /* threads that may still be added */
	struct exit_event sums;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* 2 where exits are retried: the first may be in use by a preempted program */
	__type(key, __u32);
	__type(value, struct thread_walk);
} thread_walks SEC(".maps");

static __always_inline struct task_struct *thread_at(struct list_head *node)
{
	return (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
}

/*
 * Adds up to THREADS_AT_ONCE threads; returns whether there may be more. A global function, so that the verifier checks
 * it once and not in each turn of the loop around it. The walk is in a map because the verifier knows nothing about
 * pointers that such a function gets.
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

/* The threads from `node` on, after the first few. Returns whether all are added. */
static __always_inline bool add_many_threads(struct exit_event *e, struct list_head *head, struct list_head *node,
					     __u32 attempt)
{
	struct thread_walk *walk = bpf_map_lookup_elem(&thread_walks, &attempt);

	if (!walk)
		return false;
	__builtin_memset(walk, 0, sizeof(*walk));
	walk->head = (__u64)head;
	walk->node = (__u64)node;
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
 * A leader that went first stays until the end. Killed threads may not be released yet, and threads of which a tracer
 * has not fetched the end stay, however many there are. Returns whether all are added.
 */
static __always_inline bool add_threads(struct exit_event *e, struct task_struct *task, struct signal_struct *signal,
					__u32 attempt)
{
	struct list_head *head, *node;

	if (signal->nr_threads <= 1) {
		add_thread(e, task);
		return true;
	}
	head = (void *)signal + bpf_core_field_offset(struct signal_struct, thread_head);
	node = BPF_CORE_READ(head, next);
	for (int i = 0; i < FEW_THREADS; i++) {
		if (!node || node == head)
			return true;
		add_thread(e, thread_at(node));
		node = BPF_CORE_READ(node, next);
	}
	return !node || node == head || add_many_threads(e, head, node, attempt);
}

/*
 * Until when the running task's time is in the scheduler's sum, on the
 * scheduler's clock, which perf samples are stamped with as well. The sum is
 * brought up to date by ticks and context switches only; a short process ends
 * before the first. What it was given since it got the CPU is the difference of
 * the two sums (the fair class keeps both).
 */
static __always_inline __u64 accounted_until(struct task_struct *task)
{
	if (!bpf_core_field_exists(task->sched_info.last_arrival))
		return 0;
	if (task->policy != SCHED_NORMAL && task->policy != SCHED_BATCH)
		return 0;
	return task->sched_info.last_arrival + (task->se.sum_exec_runtime - task->se.prev_sum_exec_runtime);
}

/* Whether this thread is the last of its process, true for exactly one of them. */
static __always_inline bool is_last_thread(__u64 *ctx, struct task_struct *task, struct signal_struct *signal)
{
	struct exit_key key = {};
	__u8 yes = 1;

	if (bpf_core_field_exists(struct trace_event_raw_sched_process_exit, group_dead))
		return (bool)ctx[1];
	if (signal->live.counter != 0)
		return false;
	/*
	 * Threads that end at once may all find none alive, and the first of them may be released before the
	 * next one comes here, so that a look at what is left tells nothing: the first one counts.
	 */
	key.start_ns = task->group_leader->start_boottime;
	key.pid = task->tgid;
	/* Before 6.4 the verifier calls a function here that gives an int: the upper half says nothing. */
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
	fill_process(&e.p, EVENT_EXIT, task);
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
	if (!wanted) {
		COUNT(filtered[EVENT_EXIT]);
		if (level == DETAIL_PROCESSES)
			forget_image(e.p.pid);
		return 0;
	}

	/* wait(2) reports the group's code where the group was told to end, else the leader's. */
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
	/* A sum without some of the threads is not the figure of the process. */
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
		}
		if (adds_up(mode, level) || storm != EXIT_NO_PLACE)
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

/* Only where totals of all levels are wanted. */
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
