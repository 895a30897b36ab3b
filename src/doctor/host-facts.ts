/** The machine of a report, as in the JSON of the report. Null: unknown. */
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
