/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Builds the path of an open file. The kernel does not allow bpf_d_path in tracepoints. */
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
 * Takes one step towards the root: writes a component to `buffer`, or continues in the parent mount. The components are
 * NUL-terminated and the leaf comes first; user space reverses their order. The buffer must have room for limit + NAME_SIZE
 * bytes. The path begins at the root of the file's mount namespace, as /proc/PID/exe shows it there.
 *
 * The walk holds neither rename_lock nor mount_lock: if a directory on the way is renamed meanwhile, the result may be a
 * path that never existed. The mm keeps the executable itself in use.
 */
static __always_inline enum path_step step_up(struct path_walk *walk, char *buffer, __u32 limit)
{
	struct dentry *dentry = (void *)walk->dentry;
	struct dentry *parent;
	const unsigned char *name;
	__u64 at;
	long n;

	if (walk->dentry == walk->root) {
		/* The root of a mount: continue at its mount point, unless it is the topmost mount. */
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
	/* The verifiers of 5.10 and 6.1 track only bounds of all 64 bits, and only in a register. */
	at = walk->length;
	barrier_var(at);
	if (at > limit)
		return PATH_CUT;
	n = bpf_probe_read_kernel_str(buffer + at, NAME_SIZE, name);
	if (n <= 0 || n > NAME_SIZE)
		return PATH_CUT;
	if (parent == dentry) {
		/*
		 * A dentry without a parent. If it is the first, it is the file itself, such as a memfd; otherwise it is a root named
		 * "/".
		 */
		if (at == 0)
			walk->length = n;
		return PATH_WHOLE;
	}
	walk->length = at + n;
	walk->dentry = (__u64)parent;
	return PATH_GOES_ON;
}

#endif
