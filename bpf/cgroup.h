/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Names of cgroups that were made a short while ago: what the kernel half and user space share. */
#ifndef LINNIX_CGROUP_H
#define LINNIX_CGROUP_H

/* The oldest has to go for the newest. */
#define MADE_CGROUPS 256
/* Longer paths are left out. */
#define CGROUP_PATH_LEN 504

struct made_cgroup {
	__u64 id; /* 0: none, or being written */
	char path[CGROUP_PATH_LEN]; /* from the root of the v2 hierarchy, ended by NUL */
};

#endif
