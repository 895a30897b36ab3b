/** The machine that a report was made on, as it stands in the report's JSON. Null: it cannot be told. */
export interface HostFacts {
  kernel: string | null;
  arch: string | null;
  cpus: number | null;
  cpu_model: string | null;
  btf: boolean;
  /** Whether BPF programs are compiled. */
  jit: boolean | null;
  virtualization: string | null;
  /** Share of the machine's time that the hypervisor gave to others, just before the test. */
  steal_pct: number | null;
  clocksource: string | null;
}
