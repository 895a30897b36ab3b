/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The pid of a process in the pid namespace of the reader. The reader is the current task. */
#ifndef LINNIX_READER_PID_H
#define LINNIX_READER_PID_H

#include "core.h"

static __always_inline void read_upid(struct upid *to, struct pid *pid, __u64 level)
{
	__u64 at = level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct pid, numbers);

	bpf_probe_read_kernel(&to->nr, sizeof(to->nr), (void *)pid + at + bpf_core_field_offset(struct upid, nr));
	bpf_probe_read_kernel(&to->ns, sizeof(to->ns), (void *)pid + at + bpf_core_field_offset(struct upid, ns));
}

/* Returns 0 if the process is neither in the reader's namespace nor in one below it. */
static __always_inline __u32 reader_tgid(struct task_struct *leader)
{
	struct task_struct *reader = (void *)bpf_get_current_task();
	struct pid *own = BPF_CORE_READ(reader, thread_pid);
	/* Both come from helpers: the verifier accepts an unbounded offset only for an address that it does not track. */
	struct pid *pid = BPF_CORE_READ(leader, thread_pid);
	unsigned int level = BPF_CORE_READ(own, level);
	struct upid upid = {}, own_upid = {};

	/* The reader is in the initial namespace, which uses the kernel's own numbers. */
	if (level == 0)
		return leader->tgid;
	if (!pid || BPF_CORE_READ(pid, level) < level)
		return 0;
	read_upid(&upid, pid, level);
	read_upid(&own_upid, own, level);
	return upid.ns == own_upid.ns ? upid.nr : 0;
}

#endif
