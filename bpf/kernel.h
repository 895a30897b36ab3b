/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The kernel types that the programs read, each with only the members that they read. libbpf relocates every access to the
 * layout of the running kernel (CO-RE), so neither the order of members nor missing members matter. The build needs no
 * vmlinux.h, which would differ between build machines.
 */
#ifndef LINNIX_KERNEL_H
#define LINNIX_KERNEL_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)

/* Numbers of the bpf(2) interface: include/uapi/linux/bpf.h. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_F_MMAPABLE = 1024,
};

#define BPF_F_CURRENT_CPU 0xffffffffULL

/* include/uapi/asm-generic/errno-base.h */
#define ENOENT 2
#define E2BIG 7
#define EEXIST 17
#define EOPNOTSUPP 95

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000
#define PF_FORKNOEXEC 0x00000040

/* include/uapi/linux/sched.h */
#define SCHED_NORMAL 0
#define SCHED_BATCH 3

/* include/linux/sched/signal.h: signal_struct.flags, unchanged since 2.6. */
#define SIGNAL_GROUP_EXIT 0x00000004
/* Set for the first process of a pid namespace, which adopts orphans. */
#define SIGNAL_UNKILLABLE 0x00000040

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__u32 val;
} kuid_t;

typedef struct {
	__u32 val;
} kgid_t;

struct list_head {
	struct list_head *next, *prev;
};

struct cred {
	kuid_t uid;
	kgid_t gid;
	kuid_t euid;
	kgid_t egid;
};

struct kernfs_node {
	__u64 id;
};

/* A hierarchy. The default hierarchy, v2, has the id 0; each v1 hierarchy has another id. */
struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
	int level;
};

/* Ancestors by level: pointers since 6.1 (7f203bc89eb6), only ids before. */
struct cgroup___pointers {
	struct cgroup *ancestors[0];
};

struct cgroup___ids {
	__u64 ancestor_ids[0];
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct ns_common {
	unsigned int inum;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_io_accounting {
	__u64 read_bytes;
	__u64 write_bytes;
};

struct sched_entity {
	__u64 sum_exec_runtime;
	__u64 prev_sum_exec_runtime;
};

/* Only with CONFIG_SCHED_INFO. */
struct sched_info {
	__u64 last_arrival;
};

struct signal_struct {
	atomic_t live;
	int nr_threads;
	struct list_head thread_head;
	int group_exit_code;
	unsigned int flags;
	unsigned int is_child_subreaper : 1;
	__u64 utime, stime;
	unsigned long min_flt, maj_flt;
	unsigned long maxrss;
	struct task_io_accounting ioac;
	__u64 sum_sched_runtime;
};

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	struct path f_path;
};

struct mm_struct {
	unsigned long arg_start, arg_end;
	struct file *exe_file;
};

typedef struct {
	__s64 counter;
} atomic_long_t;

struct mm_rss_stat {
	atomic_long_t count[4];
};

struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

/* Pages of a process by kind: per-CPU counters since 6.2 (f1a7941243c1), atomic counters before. */
struct mm_struct___atomic {
	struct mm_rss_stat rss_stat;
};

struct mm_struct___percpu {
	struct percpu_counter rss_stat[4];
};

struct bpf_array {
	void *pptrs[0];
};

struct task_struct {
	struct sched_entity se;
	unsigned int policy;
	struct sched_info sched_info;
	unsigned int flags;
	struct list_head tasks;
	struct mm_struct *mm;
	int exit_code;
	int exit_state;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	__u64 utime, stime;
	__u64 start_boottime;
	unsigned long min_flt, maj_flt;
	const struct cred *cred;
	kuid_t loginuid; /* only with CONFIG_AUDIT */
	char comm[16];
	struct signal_struct *signal;
	struct task_io_accounting ioac;
	struct css_set *cgroups;
};

struct thread_info {
	__u32 cpu;
};

/* The CPU of a task. All architectures have it in thread_info since 5.16 (bcf9033e5449). */
struct task_struct___thread_info {
	struct thread_info thread_info;
};

struct task_struct___cpu {
	unsigned int cpu;
};

/* The record of the classic tracepoint. It has this member since 6.16: whether the thread is the last one. */
struct trace_event_raw_sched_process_exit {
	bool group_dead;
};

struct bpf_iter_task {
	__u64 opaque[3];
};

/* since 6.4 */
struct bpf_iter_num {
	__u64 opaque[1];
} __attribute__((aligned(8)));

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#endif
