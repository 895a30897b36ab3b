/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The images of processes: path and arguments of what they executed last. The level of detail `processes` keeps them from
 * the exec to the end of the process. Both maps have a fixed size. Most images fit into an entry of the first map; larger
 * ones take an entry of the second map as well. A child has a copy of its forker's image until it executes a program.
 *
 * A process that started before the programs has no entry until its next exec. User space knows the image of such a
 * process. The entry of its child names the process instead: see image_pid.
 */
#ifndef LINNIX_IMAGES_H
#define LINNIX_IMAGES_H

#include "ended.h"
#include "maps.h"

#define SMALL_IMAGE_BYTES 200

/* A bit of image.known besides those of enum known: path and arguments are in large_images. */
#define IMAGE_IS_LARGE (1U << 31)
#define IMAGE_BITS (KNOWN_EXE | EXE_WHOLE | EXE_CUT | KNOWN_ARGS | ARGS_CUT)

struct image {
	__u64 start_ns; /* of the process, because an earlier process may have had the same pid */
	__u64 born_ns; /* CLOCK_BOOTTIME of its fork */
	__u64 parent_start_ns; /* at birth */
	__u64 image_start_ns; /* see struct ended_event */
	__u32 image_pid;
	__u32 ppid; /* at birth */
	__u32 exec_count;
	__u32 known; /* IMAGE_HERE, IMAGE_BITS, IMAGE_IS_LARGE; KNOWN_EXEC_COUNT: this entry exists since the fork */
	__u16 exe_len;
	__u16 args_len;
	__u32 reserved;
	char data[SMALL_IMAGE_BYTES];
};

_Static_assert(sizeof(struct image) == 256, "an entry");

/* By pid. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1); /* set by user space, as for large_images */
	__type(key, __u32);
	__type(value, struct image);
} images SEC(".maps");

struct large_image {
	char data[MAX_PATH_BYTES + DEFAULT_ARGS_BYTES]; /* resized for max_args_bytes */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct large_image);
} large_images SEC(".maps");

/* An image with all bytes 0, to initialize new entries. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct image);
} no_image SEC(".maps");

struct ended_scratch {
	struct ended_event e;
	struct large_image image;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1); /* 2 if exits are retried: a preempted program may use the first */
	__type(key, __u32);
	__type(value, struct ended_scratch);
} ended_scratches SEC(".maps");

struct ended_event *unused_ended __attribute__((unused));
enum ended_type *unused_ended_type __attribute__((unused));

static __always_inline struct image *find_image(__u32 pid, __u64 start_ns)
{
	struct image *image = bpf_map_lookup_elem(&images, &pid);

	return image && image->start_ns == start_ns ? image : NULL;
}

/* Notes that the map had no room for the image, so the image is unknown at the end of the process. */
static __always_inline void has_no_image(__u32 pid)
{
	COUNT(no_room[MAP_IMAGES]);
	miss_exec(pid);
}

static __always_inline struct image *enter_image(const struct process_event *e, const struct image *from)
{
	struct image *image;

	if (bpf_map_update_elem(&images, &e->pid, from, BPF_ANY) < 0) {
		has_no_image(e->pid);
		return NULL;
	}
	image = bpf_map_lookup_elem(&images, &e->pid);
	if (image)
		image->start_ns = e->start_ns;
	return image;
}

static __always_inline struct image *enter_no_image(const struct process_event *e)
{
	__u32 zero = 0;
	struct image *none = bpf_map_lookup_elem(&no_image, &zero);

	return none ? enter_image(e, none) : NULL;
}

/* Gives the child `e` the image of its forker. */
static __always_inline void inherit_image(const struct process_event *e, __u32 forker, __u64 forker_start_ns)
{
	struct image *from = find_image(forker, forker_start_ns);
	struct image *image = from ? enter_image(e, from) : enter_no_image(e);

	if (!image)
		return;
	image->ppid = e->ppid;
	image->parent_start_ns = e->parent_start_ns;
	image->born_ns = e->ts_ns;
	image->exec_count = 0;
	image->known |= KNOWN_EXEC_COUNT | (e->known & (KNOWN_PPID | KNOWN_PARENT_START));
	if (!from && !has_missed_exec(forker)) {
		image->image_pid = forker;
		image->image_start_ns = forker_start_ns;
	}
	if (image->known & IMAGE_IS_LARGE) {
		struct large_image *large = bpf_map_lookup_elem(&large_images, &forker);

		if (!large || bpf_map_update_elem(&large_images, &e->pid, large, BPF_ANY) < 0) {
			COUNT(no_room[MAP_IMAGES]);
			image->known &= ~(IMAGE_IS_LARGE | IMAGE_BITS);
		}
	}
}

/*
 * Stores the image of the process, which has just called exec.
 * @data: path, then arguments; at least as large as struct large_image
 */
static __always_inline void keep_image(const struct process_event *e, const char *data, __u64 exe_len, __u64 args_len)
{
	struct image *image = find_image(e->pid, e->start_ns);
	__u64 length = exe_len + args_len;
	__u32 known;

	if (!image)
		image = enter_no_image(e);
	if (!image)
		return;
	known = (image->known & ~(IMAGE_IS_LARGE | IMAGE_BITS)) | IMAGE_HERE | (e->known & IMAGE_BITS);
	/* The verifiers before 6.6 need a comparison of all 64 bits. */
	barrier_var(length);
	if (length <= SMALL_IMAGE_BYTES) {
		bpf_probe_read_kernel(image->data, length, data);
		if (image->known & IMAGE_IS_LARGE)
			bpf_map_delete_elem(&large_images, &e->pid);
	} else if (bpf_map_update_elem(&large_images, &e->pid, data, BPF_ANY) < 0) {
		COUNT(no_room[MAP_IMAGES]);
		known &= ~IMAGE_BITS;
	} else {
		known |= IMAGE_IS_LARGE;
	}
	image->known = known;
	image->exec_count++;
	image->image_pid = 0;
	image->image_start_ns = 0;
	image->exe_len = exe_len;
	image->args_len = args_len;
}

static __always_inline void forget_image(__u32 pid)
{
	struct image *image = bpf_map_lookup_elem(&images, &pid);

	if (!image)
		return;
	if (image->known & IMAGE_IS_LARGE)
		bpf_map_delete_elem(&large_images, &pid);
	bpf_map_delete_elem(&images, &pid);
}

/* Sends the only record of a process. @attempt: 0, or 1 if the kernel skipped the first program */
static __always_inline void emit_process(void *ctx, const struct exit_event *x, __u32 attempt)
{
	struct ended_scratch *s = bpf_map_lookup_elem(&ended_scratches, &attempt);
	__u32 pid = x->p.pid;
	struct image *image;
	__u64 length = 0;

	if (!s)
		return;
	s->e.x = *x;
	s->e.x.p.type = EVENT_PROCESS;
	s->e.born_ns = 0;
	s->e.exec_count = 0;
	s->e.exe_len = 0;
	s->e.args_len = 0;
	s->e.image_start_ns = 0;
	s->e.image_pid = 0;
	s->e.reserved_end = 0;
	image = find_image(pid, x->p.start_ns);
	if (image) {
		__u32 known = image->known;

		s->e.exec_count = image->exec_count;
		s->e.image_start_ns = image->image_start_ns;
		s->e.image_pid = image->image_pid;
		if (known & KNOWN_EXEC_COUNT) {
			s->e.born_ns = image->born_ns;
			s->e.x.p.ppid = image->ppid;
			s->e.x.p.parent_start_ns = image->parent_start_ns;
			s->e.x.p.known &= ~(KNOWN_PPID | KNOWN_PARENT_START);
		}
		length = (__u64)image->exe_len + image->args_len;
		/* The verifiers before 6.6 need a comparison of all 64 bits. */
		barrier_var(length);
		if (known & IMAGE_IS_LARGE) {
			struct large_image *large = bpf_map_lookup_elem(&large_images, &pid);

			if (!large || length > MAX_PATH_BYTES + knobs.max_args_bytes)
				length = 0;
			else
				bpf_probe_read_kernel(s->image.data, length, large);
		} else if (length > SMALL_IMAGE_BYTES || !(known & IMAGE_BITS)) {
			length = 0;
		} else {
			bpf_probe_read_kernel(s->image.data, length, image->data);
		}
		if (length > 0) {
			s->e.exe_len = image->exe_len;
			s->e.args_len = image->args_len;
		}
		/* The entry contains the last image, or shows that the maps had no room for it. So earlier missed execs do not matter. */
		if (!s->e.image_pid)
			known |= IMAGE_HERE;
		s->e.x.p.known = (s->e.x.p.known & ~MISSED_EXEC) | (known & ~IMAGE_IS_LARGE);
		if (known & IMAGE_IS_LARGE)
			bpf_map_delete_elem(&large_images, &pid);
		bpf_map_delete_elem(&images, &pid);
	}
	barrier_var(length);
	if (length > MAX_PATH_BYTES + knobs.max_args_bytes)
		length = 0;
	emit(ctx, &s->e.x.p, EVENT_EXIT, sizeof(s->e) + length);
}

#endif
