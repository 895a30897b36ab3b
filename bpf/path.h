/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The path of an open file, walked in the kernel: bpf_d_path is not allowed in tracepoints. */
#ifndef LINNIX_PATH_H
#define LINNIX_PATH_H

#include "core.h"

#define NAME_SIZE 256 /* NAME_MAX and its NUL */

struct path_result {
	__u32 length; /* bytes written, each component with its NUL */
	bool cut;     /* too deep or too long: the components nearest the root are missing */
};

/*
 * Writes the components of `file`'s path to `buffer`, leaf first, each ended by
 * NUL; user space turns them round. The buffer must hold limit + NAME_SIZE bytes.
 * The path is the one seen from the root of the file's mount namespace, as
 * /proc/PID/exe shows it there.
 *
 * `used` lies in a map's value: the verifier does not follow what is stored
 * there, so that all ways through one turn of the loop are one to it, and its
 * work grows with the number of turns only, whatever the limit is.
 */
static __always_inline struct path_result read_path(char *buffer, __u32 limit, struct file *file, volatile __u32 *used)
{
	struct path_result result = { 0, false };
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct dentry *root = BPF_CORE_READ(vfsmount, mnt_root);
	__u32 at;

	*used = 0;
	for (int i = 0; i < MAX_PATH_DEPTH; i++) {
		struct dentry *parent;
		long n;

		if (dentry == root) {
			/* The root of a mount: go on where it is mounted, unless it is the topmost. */
			struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
			struct mount *above = BPF_CORE_READ(mount, mnt_parent);

			if (above == mount)
				goto out;
			dentry = BPF_CORE_READ(mount, mnt_mountpoint);
			vfsmount = (void *)above + bpf_core_field_offset(struct mount, mnt);
			root = BPF_CORE_READ(vfsmount, mnt_root);
			continue;
		}
		parent = BPF_CORE_READ(dentry, d_parent);
		at = *used;
		if (at > limit)
			break;
		n = bpf_probe_read_kernel_str(buffer + at, NAME_SIZE, BPF_CORE_READ(dentry, d_name.name));
		if (n <= 0 || n > NAME_SIZE)
			break;
		if (parent == dentry) {
			/* A file without a directory: memfd, a pipe's other end. Its own root is named "/". */
			if (at == 0)
				*used = n;
			goto out;
		}
		*used = at + n;
		dentry = parent;
	}
	result.cut = true;
out:
	result.length = *used;
	return result;
}

#endif
