/** How events are had from the kernel: BTF tracepoints, or classic ones, whose fields tracefs describes. */
export type BackendName = "btf" | "tracepoint";
