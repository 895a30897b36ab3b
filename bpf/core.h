/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Readers of task_struct and what hangs on it; a flavour for each kernel rename. */
#ifndef LINNIX_CORE_H
#define LINNIX_CORE_H

#include "kernel.h"
#include "process.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Of a task that no login began: AUDIT_UID_UNSET, include/uapi/linux/audit.h. */
#define NO_AUID 0xffffffffU

/* Room for MAX_PID_NS_LEVEL (32) of them and more. */
#define MAX_UPIDS_SIZE 4096

/* The pid as the process itself sees it: that of its innermost pid namespace. */
static __always_inline __u32 ns_tgid(struct task_struct *leader)
{
	struct pid *pid = leader->thread_pid;
	__u64 at;
	int nr = 0;

	if (!pid)
		return 0; /* already released */
	at = pid->level * bpf_core_type_size(struct upid);
	/* The verifiers of 5.10 and 6.1 take a 32-bit product for unbounded: bounded once more, behind the compiler's back. */
	barrier_var(at);
	at &= MAX_UPIDS_SIZE - 1;
	/* A variable index into a kernel array is no trusted load. */
	bpf_probe_read_kernel(&nr, sizeof(nr), (void *)pid + bpf_core_field_offset(struct pid, numbers) + at);
	return nr;
}

static __always_inline struct cgroup *default_cgroup(struct task_struct *task)
{
	return task->cgroups->dfl_cgrp;
}

/* Id of the cgroup's ancestor at the given level, itself included; 0 when it lies less deep. */
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

/* Fills the head that all records share, and every byte of it. */
static __always_inline void fill_process(struct process_event *e, __u8 type, struct task_struct *task)
{
	struct task_struct *leader = task->group_leader;
	struct task_struct *parent = task->real_parent;
	const struct cred *cred = task->cred;

	e->type = type;
	e->reserved_head = 0;
	e->known = KNOWN_PPID | KNOWN_START | KNOWN_CGROUP | KNOWN_NS_PID | KNOWN_EFFECTIVE;
	e->cpu = bpf_get_smp_processor_id();
	e->pid = task->tgid;
	e->ppid = parent->tgid;
	e->ns_pid = ns_tgid(leader);
	e->uid = cred->uid.val;
	e->gid = cred->gid.val;
	e->euid = cred->euid.val;
	e->egid = cred->egid.val;
	e->auid = bpf_core_field_exists(task->loginuid) ? task->loginuid.val : NO_AUID;
	if (e->auid != NO_AUID)
		e->known |= KNOWN_AUID;
	e->start_ns = leader->start_boottime;
	/* 0: the idle task, which is no process. */
	e->parent_start_ns = parent->group_leader->start_boottime;
	if (e->parent_start_ns)
		e->known |= KNOWN_PARENT_START;
	e->cgroup_id = default_cgroup(task)->kn->id;
	/* The process's name, not that of the thread which happens to act, such as the last one to end. */
	bpf_probe_read_kernel(e->comm, sizeof(e->comm), leader->comm);
	e->ts_ns = bpf_ktime_get_boot_ns();
}

#endif
