/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The path of an open file, walked in the kernel: bpf_d_path is not allowed in tracepoints. */
#ifndef LINNIX_PATH_H
#define LINNIX_PATH_H

#include "core.h"

enum path_step {
	PATH_GOES_ON,
	PATH_WHOLE,
	PATH_CUT, /* too long: the components nearest the root are missing */
};

static __always_inline void begin_path(struct path_walk *walk, struct file *file)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);

	walk->dentry = (__u64)BPF_CORE_READ(file, f_path.dentry);
	walk->vfsmount = (__u64)vfsmount;
	walk->root = (__u64)BPF_CORE_READ(vfsmount, mnt_root);
	walk->length = 0;
}

/*
 * The walk holds neither rename_lock nor mount_lock: if a directory on the way is renamed meanwhile, the path can be one
 * that never existed. The executable itself is held by the mm.
 *
 * One step towards the root: writes a component to `buffer`, leaf first, each ended
 * by NUL, or leaves a mount; user space turns them round. The buffer must hold
 * limit + NAME_SIZE bytes. The path is the one seen from the root of the file's
 * mount namespace, as /proc/PID/exe shows it there.
 */
static __always_inline enum path_step step_up(struct path_walk *walk, char *buffer, __u32 limit)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct dentry *parent;
	const unsigned char *name;
	__u64 at;
	long n;

	if (walk->dentry == walk->root) {
		/* The root of a mount: go on where it is mounted, unless it is the topmost. */
		struct mount *mount = (void *)walk->vfsmount - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);
		struct vfsmount *vfsmount = (void *)above + bpf_core_field_offset(struct mount, mnt);

		if (above == mount)
			return PATH_WHOLE;
		walk->dentry = (__u64)BPF_CORE_READ(mount, mnt_mountpoint);
		walk->vfsmount = (__u64)vfsmount;
		walk->root = (__u64)BPF_CORE_READ(vfsmount, mnt_root);
		return PATH_GOES_ON;
	}
	parent = BPF_CORE_READ(dentry, d_parent);
	name = BPF_CORE_READ(dentry, d_name.name);
	/* The verifiers of 5.10 and 6.1 keep bounds of all 64 bits only, and in a register only. */
	at = walk->length;
	barrier_var(at);
	if (at > limit)
		return PATH_CUT;
	n = bpf_probe_read_kernel_str(buffer + at, NAME_SIZE, name);
	if (n <= 0 || n > NAME_SIZE)
		return PATH_CUT;
	if (parent == dentry) {
		/* A file without a directory: memfd, a pipe's other end. Its own root is named "/". */
		if (at == 0)
			walk->length = n;
		return PATH_WHOLE;
	}
	walk->length = at + n;
	walk->dentry = (__u64)parent;
	return PATH_GOES_ON;
}

#endif
