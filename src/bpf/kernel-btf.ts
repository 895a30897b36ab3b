/** Where a kernel shows the description of its types (BTF); one that does not counts as one that has none. */
export const KERNEL_BTF = "/sys/kernel/btf/vmlinux";
