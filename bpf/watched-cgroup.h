/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The cgroup of --cgroup. A restarted unit or container gets a new cgroup with the same path. The program at cgroup_mkdir
 * stores its id before user space can see the new cgroup, so that linnix misses no event in it. If that program is not
 * attached, user space writes the id.
 */
#ifndef LINNIX_WATCHED_CGROUP_H
#define LINNIX_WATCHED_CGROUP_H

#include "maps.h"

_Static_assert(sizeof(struct watched_cgroup) == 528, "an element of a mapped array is a multiple of 8 bytes");

enum {
	WATCHED,
	NEW_PATH, /* room for the path of a new cgroup */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct watched_cgroup);
} watched_cgroup SEC(".maps");

static __always_inline __u64 watched_cgroup_id(void)
{
	__u32 index = WATCHED;
	struct watched_cgroup *watched = bpf_map_lookup_elem(&watched_cgroup, &index);

	return watched ? *(volatile __u64 *)&watched->id : 0;
}

/*
 * Watches a new cgroup if its path ends like the watched path. The caller has checked that the new cgroup has the same level
 * and is below the same base cgroup. The kernel makes one cgroup at a time (cgroup_mutex), so nothing else writes NEW_PATH.
 */
static __always_inline void watch_new_cgroup(__u64 id, const char *path)
{
	__u32 index = WATCHED;
	struct watched_cgroup *watched = bpf_map_lookup_elem(&watched_cgroup, &index);
	struct watched_cgroup *made;
	__u32 length, offset;
	long read;

	index = NEW_PATH;
	made = bpf_map_lookup_elem(&watched_cgroup, &index);
	if (!watched || !made)
		return;
	length = watched->path_length;
	read = bpf_probe_read_kernel_str(made->path, WATCHED_PATH_LEN, path);
	/* Without the NUL. If the path was cut off, its end is unknown. */
	read--;
	if (length == 0 || length >= WATCHED_PATH_LEN || read < length || read >= WATCHED_PATH_LEN - 1)
		return;
	/* If the base is the root, both paths begin at the root, so they must have the same length. */
	if (knobs.cgroup_base_level == 0 && read != length)
		return;
	offset = read - length;
	for (__u32 i = 0; i < WATCHED_PATH_LEN; i++) {
		if (i >= length)
			break;
		if (made->path[(offset + i) & (WATCHED_PATH_LEN - 1)] != watched->path[i])
			return;
	}
	*(volatile __u64 *)&watched->id = id;
}

#endif
