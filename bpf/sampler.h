/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The common part of the three sampling objects. They differ in how they visit the processes, how they write records, and
 * where they store the last figures of a process. Each object defines exact_pages(mm, counted), which returns the exact
 * number of pages. `counted` is a first, inexact number.
 */
#ifndef LINNIX_SAMPLER_H
#define LINNIX_SAMPLER_H

#include "kernel.h"
#include "sample.h"
#include "core.h"

/* include/linux/mm_types_task.h, unchanged since 4.5; 2 is the count of swapped-out pages. */
#define MM_FILEPAGES 0
#define MM_ANONPAGES 1
#define MM_SHMEMPAGES 3

/* Maximum number of CPUs whose counters are added, because the verifier has to follow each turn of the loop. */
#define MAX_SUMMED_CPUS 512

const volatile struct sample_knobs sample_knobs = {
	.rss_threshold_bytes = 1 << 20,
	.page_size = 4096,
	.cpus = 1,
	.max_threads = ~0U,
};

/* The current sweep. There is only one reader. */
struct sweep_totals {
	__u64 sweep;
	struct sweep_end end;
} totals = {};

/* The figures of a process at its last sample. */
struct last_sample {
	__u64 runtime_ns;
	__u64 start_ns; /* of the process; used only where entries are found by pid */
	__u64 sweep; /* 0: there was no sample yet */
	__u32 rss_pages;
	__u32 pid;
};

/* Makes clang keep the types that no map uses as its value: the generated layout needs them. */
struct sample_event *unused_sample __attribute__((unused));
enum sample_type *unused_sample_type __attribute__((unused));

_Static_assert(sizeof(struct sample_event) == 128, "wire: sample");
_Static_assert(sizeof(struct sweep_end) == sizeof(struct sample_event), "wire: end of a sweep");

/*
 * Turns an address into a number, which helpers and global functions need. The verifier does not track a value that a
 * program stores and loads again. One variable is enough, because user space runs one sweep at a time from one thread, and
 * a read of an iterator holds the lock of its seq_file.
 */
static __always_inline __u64 number_of(const volatile void *address)
{
	static volatile __u64 number;

	number = (__u64)address;
	return number;
}

/* The state of a walk along the threads of a process. Helpers read at its addresses. There is only one reader. */
struct thread_walk {
	__u64 head;
	__u64 node;
	__u64 runtime_ns;
	__u64 utime_ns; /* both only with sample_knobs.splits_modes */
	__u64 stime_ns;
} walk = {};

/* Adds the thread at walk.node and goes to the next one. Returns false at the end of the list. */
static __always_inline bool add_thread(void)
{
	struct list_head *node = (void *)walk.node;
	struct task_struct *task;

	if (!node || walk.node == walk.head)
		return false;
	task = (void *)node - bpf_core_field_offset(struct task_struct, thread_node);
	walk.runtime_ns += BPF_CORE_READ(task, se.sum_exec_runtime);
	if (sample_knobs.splits_modes) {
		walk.utime_ns += BPF_CORE_READ(task, utime);
		walk.stime_ns += BPF_CORE_READ(task, stime);
	}
	walk.node = (__u64)BPF_CORE_READ(node, next);
	return true;
}

/* Defined by the object. */
__u64 exact_pages(__u64 mm, __u64 counted);

/* Threads that one call of walk_threads() visits, and the number of calls: enough for 65,536 threads. */
#define THREADS_AT_ONCE 256
#define MAX_TURNS 256

/*
 * Continues the walk for up to `count` threads. Returns the number of threads that it visited. All functions with loops are
 * global here, because the verifier checks a global function once, and not for each path to its calls.
 */
__noinline __u32 walk_threads(__u32 count)
{
	__u32 walked;

	for (walked = 0; walked < THREADS_AT_ONCE; walked++) {
		if (walked >= count || !add_thread())
			break;
	}
	return walked;
}

/* Returns the CPU time of all threads that are still in the list of the process, ns. */
__noinline __u64 runtime_of_threads(__u64 signal, __u32 count)
{
	__u32 left = count < sample_knobs.max_threads ? count : sample_knobs.max_threads;
	__u32 beyond = count - left;

	walk.head = signal + bpf_core_field_offset(struct signal_struct, thread_head);
	walk.node = (__u64)BPF_CORE_READ((struct signal_struct *)signal, thread_head.next);
	walk.runtime_ns = 0;
	walk.utime_ns = 0;
	walk.stime_ns = 0;
	for (int i = 0; i < MAX_TURNS; i++) {
		__u32 walked = walk_threads(left);

		left -= walked;
		if (walked != THREADS_AT_ONCE)
			break;
	}
	left += beyond;
	if (left > 0 && walk.node && walk.node != walk.head)
		totals.end.left_out_threads += left;
	return walk.runtime_ns;
}

/* Threads in which mm_of_threads() looks for an mm. */
#define MAX_ASKED_THREADS 32

/*
 * Returns the mm of a process whose leader has ended before other threads. It begins at the newest thread, which is most
 * likely alive: an ended thread leaves the list soon, except for the leader.
 */
__noinline __u64 mm_of_threads(__u64 signal)
{
	__u64 head = signal + bpf_core_field_offset(struct signal_struct, thread_head);
	struct list_head *node = BPF_CORE_READ((struct signal_struct *)signal, thread_head.prev);
	__u64 mm = 0;

	for (int i = 0; i < MAX_ASKED_THREADS; i++) {
		struct task_struct *task = (void *)node - bpf_core_field_offset(struct task_struct, thread_node);

		if (!node || (__u64)node == head)
			break;
		mm = (__u64)BPF_CORE_READ(task, mm);
		if (mm)
			break;
		node = BPF_CORE_READ(node, prev);
	}
	return mm;
}

static __always_inline __s64 not_negative(__s64 count)
{
	return count > 0 ? count : 0;
}

/* Pages from the atomic counters of kernels before 6.2 (f1a7941243c1). They lack up to 64 pages of each thread. */
static __always_inline __u64 atomic_pages(__u64 mm)
{
	__s64 count[4] = {};

	/* Read by a helper, because older verifiers do not accept the type of these counters. */
	bpf_probe_read_kernel(count, sizeof(count),
			      (void *)(mm + bpf_core_field_offset(struct mm_struct___atomic, rss_stat)));
	return not_negative(count[MM_FILEPAGES]) + not_negative(count[MM_ANONPAGES]) +
	       not_negative(count[MM_SHMEMPAGES]);
}

/*
 * Pages from the central counters, which are quick to read. Since 6.2 every CPU counts up to a batch of pages in its own
 * counter, so this number lacks these pages.
 */
#define COUNTED_PAGES(mm, READ)                                  \
	(not_negative(READ(mm, rss_stat[MM_FILEPAGES].count)) +  \
	 not_negative(READ(mm, rss_stat[MM_ANONPAGES].count)) +  \
	 not_negative(READ(mm, rss_stat[MM_SHMEMPAGES].count)))

#define READ_DIRECTLY(pointer, member) ((pointer)->member)

static __always_inline bool has_atomic_counters(void)
{
	return bpf_core_field_exists(struct mm_struct___atomic, rss_stat.count);
}

/* The CPU that a task runs on or ran on last. All architectures have it in thread_info since 5.16 (bcf9033e5449). */
static __always_inline __u16 last_cpu(struct task_struct *task)
{
	if (bpf_core_field_exists(struct task_struct___cpu, cpu))
		return ((struct task_struct___cpu *)task)->cpu;
	return ((struct task_struct___thread_info *)task)->thread_info.cpu;
}

static __always_inline void begin_sweep(__u64 sweep)
{
	__builtin_memset(&totals, 0, sizeof(totals));
	totals.sweep = sweep;
	totals.end.type = EVENT_SWEEP_END;
}

/* A zombie leader stays in the list until it is reaped. Its process lives as long as it has other live threads. */
static __always_inline bool is_alive(struct task_struct *leader)
{
	return leader->signal->live.counter != 0;
}

/*
 * Whether a process has ended and waits for its parent. A leader that ended before other threads has the same exit_state, so
 * exit_state alone is not enough. For a running process, this function reads only the task, not its signal_struct.
 */
static __always_inline bool is_zombie(struct task_struct *leader)
{
	return leader->exit_state && !is_alive(leader);
}

/* Whether a process needs a sample: it ran, its memory changed, or it has had no sample yet. */
static __always_inline bool is_news(const struct last_sample *last, __u64 runtime_ns, __u64 pages)
{
	__u64 moved = pages > last->rss_pages ? pages - last->rss_pages : last->rss_pages - pages;

	return !last->sweep || runtime_ns > last->runtime_ns ||
	       moved * sample_knobs.page_size > sample_knobs.rss_threshold_bytes;
}

/* The figures of a process at one look. */
struct look {
	__u64 mm; /* address; 0: the process has no mm of its own */
	__u64 runtime_ns;
	__u64 pages;
	__u64 utime_ns; /* both only with sample_knobs.splits_modes */
	__u64 stime_ns;
	__u32 threads;
};

static __always_inline __u64 count_pages(struct mm_struct *mm, __u64 address)
{
	if (!address)
		return 0;
	if (has_atomic_counters())
		return atomic_pages(address);
	if (mm)
		return COUNTED_PAGES((struct mm_struct___percpu *)mm, READ_DIRECTLY);
	return COUNTED_PAGES((struct mm_struct___percpu *)address, BPF_CORE_READ);
}

static __always_inline void look_at(struct task_struct *leader, struct look *l)
{
	struct signal_struct *signal = leader->signal;
	struct mm_struct *mm = leader->mm;

	/*
	 * First read the sum of the released threads. A thread that is released during the look is missing in this look, and counts
	 * in the next one. In the other order it could count twice.
	 */
	l->runtime_ns = signal->sum_sched_runtime;
	l->threads = signal->nr_threads;
	l->mm = number_of(mm);
	if (l->threads <= 1) {
		l->runtime_ns += leader->se.sum_exec_runtime;
	} else {
		l->runtime_ns += runtime_of_threads(number_of(signal), l->threads);
		if (!mm)
			l->mm = mm_of_threads(number_of(signal));
	}
	l->pages = count_pages(mm, l->mm);
	l->utime_ns = 0;
	l->stime_ns = 0;
	if (sample_knobs.splits_modes) {
		/* Both cases read from `walk`: the verifier refuses one load from two kinds of pointers. */
		if (l->threads <= 1) {
			walk.utime_ns = leader->utime;
			walk.stime_ns = leader->stime;
		}
		barrier();
		l->utime_ns = signal->utime + walk.utime_ns;
		l->stime_ns = signal->stime + walk.stime_ns;
	}
}

/*
 * Writes a sample of a process if the process needs one. `write` writes the record to `to`, or returns false if there is no
 * room. In that case this function also returns false, and the caller must visit the process again. `last` is NULL if there
 * was no room to store the figures of the process.
 *
 * Most processes sleep, and the cost of a sleeping process is the number of cache lines that a look reads. So this function
 * reads the members that only a record needs once it knows that it will write a record.
 */
static __always_inline bool sample(struct task_struct *leader, struct look *l, struct last_sample *last,
				   bool (*write)(void *to, struct sample_event *e), void *to)
{
	struct sample_event e;

	totals.end.processes++;
	if (!last) {
		totals.end.unkept++;
		return true;
	}
	/* Already written in this sweep, before the records were full. */
	if (last->sweep == totals.sweep || !is_news(last, l->runtime_ns, l->pages))
		return true;
	/* A kernel thread may use the mm of a process. */
	if (l->mm && leader->flags & PF_KTHREAD) {
		l->mm = 0;
		l->pages = 0;
		if (!is_news(last, l->runtime_ns, 0))
			return true;
	}

	fill_process(&e.p, EVENT_SAMPLE, leader);
	e.p.cpu = last_cpu(leader);
	e.runtime_ns = l->runtime_ns > last->runtime_ns ? l->runtime_ns - last->runtime_ns : 0;
	e.rss_bytes = exact_pages(l->mm, l->pages) * sample_knobs.page_size;
	e.utime_ns = l->utime_ns;
	e.stime_ns = l->stime_ns;
	e.threads = l->threads;
	e.reserved = 0;
	if (!last->sweep)
		e.p.known |= FIRST_SEEN;
	/* Do not update the last figures before the record is written. */
	if (!write(to, &e)) {
		totals.end.processes--;
		return false;
	}
	if (l->runtime_ns > last->runtime_ns)
		last->runtime_ns = l->runtime_ns;
	last->rss_pages = l->pages;
	last->sweep = totals.sweep;
	return true;
}

static __always_inline bool write_to_seq(void *seq, struct sample_event *e)
{
	return bpf_seq_write(seq, e, sizeof(*e)) == 0;
}

/* Handles one task of the task iterator, and its end. `last_of` returns the last figures of a leader's process. */
static __always_inline int sample_next(struct bpf_iter__task *ctx,
				       struct last_sample *(*last_of)(struct task_struct *leader))
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct look l;

	/* The kernel may call this twice for the end of the iteration, so the end does not reset anything. */
	if (totals.sweep != ctx->meta->session_id)
		begin_sweep(ctx->meta->session_id);
	if (!task) {
		struct sweep_end end = totals.end;

		bpf_seq_write(seq, &end, sizeof(end));
	} else if (task->pid == task->tgid && is_alive(task)) {
		look_at(task, &l);
		/* If the reader's buffer is full, the kernel passes the same task again. */
		sample(task, &l, last_of(task), write_to_seq, seq);
	}
	return 0;
}

#endif
