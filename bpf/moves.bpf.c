// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Records which process was moved to which cgroup of a v1 hierarchy. The events of a process contain only its cgroup in the
 * v2 hierarchy, and /proc shows nothing after the process has ended. This is an object of its own, so that nothing is loaded
 * on machines without v1 hierarchies.
 */
#include "kernel.h"
#include "moves.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

_Static_assert(sizeof(struct move) == 512, "an element of a mapped array is a multiple of 8 bytes");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MOVES);
	__type(key, __u32);
	__type(value, struct move);
} moves SEC(".maps");

/* The kernel holds cgroup_mutex during a move, so only one CPU changes this. */
static __u64 count;

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(handle_cgroup_attach_task, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	__u32 index = count % MOVES;
	struct move *move;
	long length;

	/* Events already contain the cgroup in the default hierarchy. The move of a single thread does not move the process. */
	if (cgroup->root->hierarchy_id == 0 || task->pid != task->tgid)
		return 0;
	move = bpf_map_lookup_elem(&moves, &index);
	if (!move)
		return 0;
	move->number = 0;
	length = bpf_probe_read_kernel_str(move->path, MOVE_PATH_LEN, path);
	if (length <= 0 || length >= MOVE_PATH_LEN)
		move->path[0] = 0;
	move->ts_ns = bpf_ktime_get_boot_ns();
	move->start_ns = task->start_boottime;
	move->pid = task->tgid;
	move->hierarchy = cgroup->root->hierarchy_id;
	barrier();
	move->number = ++count;
	return 0;
}
