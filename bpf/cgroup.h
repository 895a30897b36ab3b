/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Paths of the newest cgroups. The BPF program writes the paths, and user space reads them. */
#ifndef LINNIX_CGROUP_H
#define LINNIX_CGROUP_H

/* A new cgroup replaces the oldest one. */
#define MADE_CGROUPS 256
/* Cgroups with longer paths are left out. */
#define CGROUP_PATH_LEN 504

struct made_cgroup {
	__u64 id; /* 0: the entry is empty or being written */
	char path[CGROUP_PATH_LEN]; /* from the root of the v2 hierarchy, NUL-terminated */
};

#endif
