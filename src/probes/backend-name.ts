/** How linnix hooks into the kernel: by BTF tracepoints, or by classic tracepoints, whose fields tracefs describes. */
export type BackendName = "btf" | "tracepoint";
