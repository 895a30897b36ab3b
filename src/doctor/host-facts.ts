/** Facts about the machine in a report, as in its JSON. An unknown fact is null. */
export interface HostFacts {
  kernel: string | null;
  arch: string | null;
  cpus: number | null;
  cpu_model: string | null;
  btf: boolean;
  /** Whether the kernel compiles BPF programs; null if unknown. */
  jit: boolean | null;
  virtualization: string | null;
  /** Share of CPU time that the hypervisor gave to other guests just before the test, %. */
  steal_pct: number | null;
  clocksource: string | null;
}
