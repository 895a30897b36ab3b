// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Writes down which process was moved to which cgroup of a v1 hierarchy: its events
 * tell its cgroup of the v2 hierarchy alone, and /proc nothing more once it is gone.
 * An object of its own: where there are no v1 hierarchies nothing of it is loaded.
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

/* The kernel moves under cgroup_mutex, so that nobody else counts here. */
static __u64 count;

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(handle_cgroup_attach_task, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	__u32 index = count % MOVES;
	struct move *move;
	long length;

	/* Where processes stand in the default hierarchy their events tell; a thread that moves by itself is no process. */
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
