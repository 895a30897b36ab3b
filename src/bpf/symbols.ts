/**
 * The C functions that linnix calls, each with its declaration. Pointers are numbers. Results of 64 bits are of type
 * bigint unless they are known to be small.
 */

/** libbpf ≥ 1.0: bpf/libbpf.h, bpf/bpf.h. */
export const LIBBPF_SYMBOLS = {
  // libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn);
  libbpf_set_print: { args: ["ptr"], returns: "ptr" },
  // const char *libbpf_version_string(void);
  libbpf_version_string: { args: [], returns: "ptr" },
  // int libbpf_num_possible_cpus(void);
  libbpf_num_possible_cpus: { args: [], returns: "i32" },
  // struct bpf_object *bpf_object__open_mem(const void *buf, size_t size, const struct bpf_object_open_opts *opts);
  bpf_object__open_mem: { args: ["ptr", "usize", "ptr"], returns: "ptr" },
  // int bpf_object__gen_loader(struct bpf_object *obj, struct gen_loader_opts *opts);
  bpf_object__gen_loader: { args: ["ptr", "ptr"], returns: "i32" },
  // int bpf_object__load(struct bpf_object *obj);
  bpf_object__load: { args: ["ptr"], returns: "i32" },
  // void bpf_object__close(struct bpf_object *obj);
  bpf_object__close: { args: ["ptr"], returns: "void" },
  // struct bpf_map *bpf_object__find_map_by_name(const struct bpf_object *obj, const char *name);
  bpf_object__find_map_by_name: { args: ["ptr", "cstring"], returns: "ptr" },
  // struct bpf_program *bpf_object__find_program_by_name(const struct bpf_object *obj, const char *name);
  bpf_object__find_program_by_name: { args: ["ptr", "cstring"], returns: "ptr" },
  // struct bpf_map *bpf_object__next_map(const struct bpf_object *obj, const struct bpf_map *map);
  bpf_object__next_map: { args: ["ptr", "ptr"], returns: "ptr" },
  // struct bpf_program *bpf_object__next_program(const struct bpf_object *obj, struct bpf_program *prog);
  bpf_object__next_program: { args: ["ptr", "ptr"], returns: "ptr" },
  // const char *bpf_map__name(const struct bpf_map *map);
  bpf_map__name: { args: ["ptr"], returns: "ptr" },
  // void *bpf_map__initial_value(struct bpf_map *map, size_t *psize);
  bpf_map__initial_value: { args: ["ptr", "ptr"], returns: "ptr" },
  // int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries);
  bpf_map__set_max_entries: { args: ["ptr", "u32"], returns: "i32" },
  // int bpf_map__set_value_size(struct bpf_map *map, __u32 size);
  bpf_map__set_value_size: { args: ["ptr", "u32"], returns: "i32" },
  // __u32 bpf_map__map_flags(const struct bpf_map *map);
  bpf_map__map_flags: { args: ["ptr"], returns: "u32" },
  // int bpf_map__set_map_flags(struct bpf_map *map, __u32 flags);
  bpf_map__set_map_flags: { args: ["ptr", "u32"], returns: "i32" },
  // enum bpf_map_type bpf_map__type(const struct bpf_map *map);
  bpf_map__type: { args: ["ptr"], returns: "i32" },
  // int bpf_map__reuse_fd(struct bpf_map *map, int fd);
  bpf_map__reuse_fd: { args: ["ptr", "i32"], returns: "i32" },
  // int bpf_map__fd(const struct bpf_map *map);
  bpf_map__fd: { args: ["ptr"], returns: "i32" },
  // __u32 bpf_map__max_entries(const struct bpf_map *map);
  bpf_map__max_entries: { args: ["ptr"], returns: "u32" },
  // __u32 bpf_map__key_size(const struct bpf_map *map);
  bpf_map__key_size: { args: ["ptr"], returns: "u32" },
  // __u32 bpf_map__value_size(const struct bpf_map *map);
  bpf_map__value_size: { args: ["ptr"], returns: "u32" },
  // const char *bpf_program__name(const struct bpf_program *prog);
  bpf_program__name: { args: ["ptr"], returns: "ptr" },
  // bool bpf_program__autoload(const struct bpf_program *prog);
  bpf_program__autoload: { args: ["ptr"], returns: "bool" },
  // enum bpf_prog_type bpf_program__type(const struct bpf_program *prog);
  bpf_program__type: { args: ["ptr"], returns: "i32" },
  // enum bpf_attach_type bpf_program__expected_attach_type(const struct bpf_program *prog);
  bpf_program__expected_attach_type: { args: ["ptr"], returns: "i32" },
  // int bpf_program__fd(const struct bpf_program *prog);
  bpf_program__fd: { args: ["ptr"], returns: "i32" },
  // int bpf_program__set_autoload(struct bpf_program *prog, bool autoload);
  bpf_program__set_autoload: { args: ["ptr", "bool"], returns: "i32" },
  // int bpf_raw_tracepoint_open(const char *name, int prog_fd);
  bpf_raw_tracepoint_open: { args: ["ptr", "i32"], returns: "i32" },
  // int bpf_link_create(int prog_fd, int target_fd, enum bpf_attach_type attach_type, const struct bpf_link_create_opts *opts);
  bpf_link_create: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  // int bpf_iter_create(int link_fd);
  bpf_iter_create: { args: ["i32"], returns: "i32" },
  // int bpf_map_create(enum bpf_map_type map_type, const char *map_name, __u32 key_size, __u32 value_size,
  //                    __u32 max_entries, const struct bpf_map_create_opts *opts);
  bpf_map_create: { args: ["i32", "cstring", "u32", "u32", "u32", "ptr"], returns: "i32" },
  // int bpf_prog_load(enum bpf_prog_type prog_type, const char *prog_name, const char *license,
  //                   const struct bpf_insn *insns, size_t insn_cnt, const struct bpf_prog_load_opts *opts);
  bpf_prog_load: { args: ["i32", "cstring", "cstring", "ptr", "usize", "ptr"], returns: "i32" },
  // int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags);
  bpf_map_update_elem: { args: ["i32", "ptr", "ptr", "u64"], returns: "i32" },
  // int bpf_map_lookup_elem(int fd, const void *key, void *value);
  bpf_map_lookup_elem: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // int bpf_map_delete_elem(int fd, const void *key);
  bpf_map_delete_elem: { args: ["i32", "ptr"], returns: "i32" },
  // int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys, void *values, __u32 *count,
  //                          const struct bpf_map_batch_opts *opts);
  bpf_map_lookup_batch: { args: ["i32", "ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  // int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
  //                          const struct bpf_map_batch_opts *opts);
  bpf_map_update_batch: { args: ["i32", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  // int bpf_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len);
  bpf_obj_get_info_by_fd: { args: ["i32", "ptr", "ptr"], returns: "i32" },
} as const;
