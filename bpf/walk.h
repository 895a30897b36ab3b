/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Functions to walk the kernel's list of processes in a program, since 6.7. */
#ifndef LINNIX_WALK_H
#define LINNIX_WALK_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>

/* include/linux/bpf.h of the kernel. The walk visits only leaders of thread groups. */
#define BPF_TASK_ITER_ALL_PROCS 0

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

#endif
