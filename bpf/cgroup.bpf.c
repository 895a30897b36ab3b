// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Records the path of every cgroup when the kernel makes the cgroup. User space may need the path after the cgroup was
 * removed, when the kernel no longer knows the path.
 */
#include "kernel.h"
#include "cgroup.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

_Static_assert(sizeof(struct made_cgroup) == 512, "an element of a mapped array is a multiple of 8 bytes");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MADE_CGROUPS);
	__type(key, __u32);
	__type(value, struct made_cgroup);
} made SEC(".maps");

/* The kernel makes one cgroup at a time (cgroup_mutex), so only one CPU changes this. */
static __u32 next;

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(handle_cgroup_mkdir, struct cgroup *cgroup, const char *path)
{
	struct made_cgroup *entry;
	__u32 index;
	long length;

	/* Only the default hierarchy (v2): each v1 hierarchy numbers its cgroups by itself. */
	if (cgroup->root->hierarchy_id != 0)
		return 0;
	index = next++ % MADE_CGROUPS;
	entry = bpf_map_lookup_elem(&made, &index);
	if (!entry)
		return 0;
	entry->id = 0;
	length = bpf_probe_read_kernel_str(entry->path, CGROUP_PATH_LEN, path);
	if (length > 0 && length < CGROUP_PATH_LEN)
		entry->id = cgroup->kn->id;
	return 0;
}
