// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Page faults of processes at user addresses, a few per second and process. This is an object of its own, so that without
 * --page-faults nothing is loaded. It works on x86 since Linux 5.12, the first kernel whose BPF has atomic operations that
 * return the old value.
 */
#include "kernel.h"
/*
 * User space replaces these maps by the maps of the object that reports processes, so that all records use the same rings.
 */
#include "events.h"
#include "faults.h"
#include "core.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NS_PER_SECOND 1000000000ULL
/* X86_PF_WRITE: arch/x86/include/asm/trap_pf.h */
#define PF_WRITE 2

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
	unsigned long ip;
};
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* resized to the number of possible CPUs */
	__type(key, __u32);
	__type(value, struct fault_counters);
} fault_counters SEC(".maps");

/* The key contains the start time, because a later process may get the same pid. */
struct throttle_key {
	__u64 start_ns;
	__u64 pid;
};

/*
 * Each fault of a process takes the next number from `taken`. The program reports the fault if this number is below
 * `limit`. All threads of a process share one throttle.
 */
struct throttle {
	__u64 window_ns; /* when the current second began */
	__u64 taken;
	__u64 limit;
	__u64 suppressed; /* since the last reported fault */
};

/* If a full map drops the entry of a process, its throttle starts again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096); /* resized if there are many CPUs, because each CPU reserves some free entries */
	__type(key, struct throttle_key);
	__type(value, struct throttle);
} throttles SEC(".maps");

/* Makes clang keep the types that no map uses as its value: the generated layout needs them. */
struct page_fault_event *unused_fault __attribute__((unused));
enum fault_type *unused_fault_type __attribute__((unused));

_Static_assert(sizeof(struct page_fault_event) == 112, "wire: page fault");
_Static_assert(sizeof(struct fault_counters) == 64, "wire: counters of page faults");

#define NOW(member) (*(volatile __u64 *)&(member))

static __always_inline struct throttle *throttle_of(struct task_struct *task, __u64 now_ns)
{
	struct throttle_key key = {};
	struct throttle fresh = {};
	struct throttle *throttle;

	key.start_ns = task->group_leader->start_boottime;
	key.pid = task->tgid;
	throttle = bpf_map_lookup_elem(&throttles, &key);
	if (throttle)
		return throttle;
	fresh.window_ns = now_ns;
	fresh.limit = FAULTS_PER_SECOND;
	/* If another thread has added the entry meanwhile, that entry stays. */
	bpf_map_update_elem(&throttles, &key, &fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&throttles, &key);
}

/*
 * Whether the program reports this fault. Threads on several CPUs may begin a second at the same time. Each of these
 * threads read `taken` before any of them began the second. So no thread sets a limit that is more than FAULTS_PER_SECOND
 * above the number of faults at that moment.
 */
static __always_inline bool admits(struct throttle *throttle, __u64 now_ns)
{
	__u64 taken = NOW(throttle->taken);

	if ((__s64)(now_ns - NOW(throttle->window_ns)) >= (__s64)NS_PER_SECOND) {
		NOW(throttle->window_ns) = now_ns;
		NOW(throttle->limit) = taken + FAULTS_PER_SECOND;
	}
	return __sync_fetch_and_add(&throttle->taken, 1) < NOW(throttle->limit);
}

SEC("tp_btf/page_fault_user")
int handle_page_fault(__u64 *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)ctx[1];
	struct page_fault_event e = {};
	struct fault_counters *counters;
	struct throttle *throttle;
	__u64 now_ns = bpf_ktime_get_boot_ns();
	__u32 cpu = bpf_get_smp_processor_id();
	int result;

	counters = bpf_map_lookup_elem(&fault_counters, &cpu);
	if (!counters)
		return 0;
	/* Atomic, because newer kernels may preempt a program at a tracepoint. */
	__sync_fetch_and_add(&counters->seen, 1);
	throttle = throttle_of(task, now_ns);
	if (!throttle || !admits(throttle, now_ns)) {
		__sync_fetch_and_add(&counters->suppressed, 1);
		if (throttle)
			__sync_fetch_and_add(&throttle->suppressed, 1);
		return 0;
	}
	fill_process(&e.p, EVENT_PAGE_FAULT, task);
	e.address = ctx[0];
	e.ip = regs->ip;
	if (ctx[2] & PF_WRITE)
		e.p.known |= FAULT_WRITE;
	e.suppressed = __sync_lock_test_and_set(&throttle->suppressed, 0);
	__sync_fetch_and_add(&counters->emitted, 1);
	result = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	if (result == 0)
		return 0;
	if (has_no_ring(result)) {
		if (bpf_ringbuf_output(&spare_events, &e, sizeof(e), BPF_RB_NO_WAKEUP) == 0) {
			__sync_fetch_and_add(&counters->spared, 1);
			return 0;
		}
		__sync_fetch_and_add(&counters->no_ring, 1);
	} else {
		__sync_fetch_and_add(&counters->ring_full, 1);
	}
	/* This record is lost, so the next record reports its suppressed faults. */
	__sync_fetch_and_add(&throttle->suppressed, e.suppressed);
	return 0;
}
