/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Reads task_struct and the structs that it points to. If a kernel version renamed a member, kernel.h has a flavour for
 * each name.
 */
#ifndef LINNIX_CORE_H
#define LINNIX_CORE_H

#include "kernel.h"
#include "process.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* loginuid of a task that does not belong to a login: AUDIT_UID_UNSET, include/uapi/linux/audit.h. */
#define NO_AUID 0xffffffffU

/* A power of two that is larger than MAX_PID_NS_LEVEL (32) elements of struct upid. */
#define MAX_UPIDS_SIZE 4096

/* The pid as the process itself sees it: its number in its innermost pid namespace. */
static __always_inline __u32 ns_tgid(struct task_struct *leader)
{
	struct pid *pid = leader->thread_pid;
	__u64 at;
	int nr = 0;

	if (!pid)
		return 0; /* already released */
	at = pid->level * bpf_core_type_size(struct upid);
	/* The verifiers of 5.10 and 6.1 treat a 32-bit product as unbounded. The barrier keeps clang from removing the mask. */
	barrier_var(at);
	at &= MAX_UPIDS_SIZE - 1;
	/* The verifier does not allow a direct load with a variable index into a kernel array. */
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)pid + bpf_core_field_offset(struct pid, numbers) + at);
	return nr;
}

static __always_inline struct cgroup *default_cgroup(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp;
}

/* Id of the cgroup's ancestor at the given level, which may be the cgroup itself; 0 if the cgroup is above that level. */
static __always_inline __u64 cgroup_ancestor_id(struct cgroup *cgroup, int level)
{
	__u64 id = 0;

	if (cgroup->level < level)
		return 0;
	if (bpf_core_field_exists(struct cgroup___ids, ancestor_ids)) {
		struct cgroup___ids *ids = (void *)cgroup;

		bpf_probe_read_kernel(&id, sizeof(id), (void *)ids +
						       bpf_core_field_offset(struct cgroup___ids, ancestor_ids) +
						       level * sizeof(id));
	} else {
		struct cgroup *ancestor = NULL;

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
				      (void *)cgroup + bpf_core_field_offset(struct cgroup___pointers, ancestors) +
					      level * sizeof(ancestor));
		id = BPF_CORE_READ(ancestor, kn, id);
	}
	return id;
}

/*
 * Fills the part of the head that each event needs: for filters, for the level of detail, and for the group of the
 * process.
 * @filters_uid: whether a filter needs the uids
 */
static __always_inline void fill_identity(struct process_event *e, __u8 type, struct task_struct *task, bool filters_uid)
{
	struct task_struct *leader = task->group_leader;

	e->type = type;
	e->reserved_head = 0;
	e->known = KNOWN_START | KNOWN_CGROUP;
	e->pid = task->tgid;
	if (filters_uid) {
		e->uid = task->cred->uid.val;
		e->euid = task->cred->euid.val;
		e->known |= KNOWN_EFFECTIVE;
	}
	e->start_ns = leader->start_boottime;
	e->cgroup_id = default_cgroup(task)->kn->id;
	/* The name of the process is that of its leader. The current thread may have another name. */
	bpf_probe_read_kernel(e->comm, sizeof(e->comm), leader->comm);
	e->ts_ns = bpf_ktime_get_boot_ns();
}

/* Fills the members of the head that fill_identity() leaves out, and the user and group ids. */
static __always_inline void fill_details(struct process_event *e, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	const struct cred *cred = task->cred;

	e->known |= KNOWN_PPID | KNOWN_NS_PID | KNOWN_EFFECTIVE;
	e->cpu = bpf_get_smp_processor_id();
	e->ppid = parent->tgid;
	e->ns_pid = ns_tgid(task->group_leader);
	e->uid = cred->uid.val;
	e->gid = cred->gid.val;
	e->euid = cred->euid.val;
	e->egid = cred->egid.val;
	e->auid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : NO_AUID;
	if (e->auid != NO_AUID)
		e->known |= KNOWN_AUID;
	/* 0 if the parent is the idle task, which is not a process. */
	e->parent_start_ns = parent->group_leader->start_boottime;
	if (e->parent_start_ns)
		e->known |= KNOWN_PARENT_START;
}

/* Fills every byte of the head that all records share. */
static __always_inline void fill_process(struct process_event *e, __u8 type, struct task_struct *task)
{
	fill_identity(e, type, task, false);
	fill_details(e, task);
}

#endif
