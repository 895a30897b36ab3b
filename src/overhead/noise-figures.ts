import { slowdownOf } from "../measure/slowdown.ts";
import { sum } from "../stats/moments.ts";
import type { RawRun, RawWindow } from "./raw.ts";
import type { Figures, NoiseFigures } from "./result.ts";
import { cpusOf, machineOf } from "./windows.ts";

/** The machine without the subject. */
export function baselineOf(raw: RawRun): Figures["baseline"] {
  const windows = raw.windows.filter(({ phase }) => phase === "baseline");
  if (windows.length === 0) return null;
  const machine = machineOf(windows);
  return {
    duration_s: sum(windows.map(({ elapsed_ns }) => elapsed_ns)) / 1e9,
    system_cpu_pct: machine?.busyCorePct ?? null,
    others_machine_pct: othersMachinePct(windows, 0),
  };
}

/** Busy time of the machine without this process, the subject and `workloadNs`, % of all CPUs; null if not known. */
function othersMachinePct(windows: readonly RawWindow[], workloadNs: number): number | null {
  const machine = machineOf(windows);
  const cpus = cpusOf(windows);
  if (machine === null || cpus === null) return null;
  const elapsedNs = sum(windows.map(({ elapsed_ns }) => elapsed_ns));
  const oursNs = sum(windows.map(({ cpu_ns, monitor_cpu_ns }) => (cpu_ns ?? 0) + monitor_cpu_ns)) + workloadNs;
  return Math.max(machine.busyMachinePct - (100 * oursNs) / elapsedNs / cpus, 0);
}

/** Figures of what can disturb the measurement: steal, pressure and other load. */
export function noiseOf(raw: RawRun, seed: number): NoiseFigures {
  const workload = raw.windows.filter(({ phase }) => phase === "workload");
  const windows = workload.length > 0 ? workload : raw.windows.filter(({ phase }) => phase === "baseline");
  const machine = machineOf(windows);
  const elapsedUs = sum(windows.map(({ elapsed_ns }) => elapsed_ns)) / 1000;
  const pressure = windows.map(({ cpu_pressure_us }) => cpu_pressure_us);
  const run = raw.workloads.find(({ phase }) => phase === "workload");
  // The workload ran for a little longer than its windows.
  const workloadNs =
    workload.length === 0 || run === undefined || run.duration_s <= 0
      ? 0
      : ((run.children_cpu_us * 1000 + run.spawner_cpu_ns) * elapsedUs) / (run.duration_s * 1e6);
  return {
    steal_machine_pct: machine?.stealMachinePct ?? null,
    cpu_pressure_pct:
      windows.length === 0 || pressure.includes(null) ? null : (100 * sum(pressure.map((us) => us ?? 0))) / elapsedUs,
    busy_machine_pct: machine?.busyMachinePct ?? null,
    others_machine_pct: othersMachinePct(windows, workloadNs),
    null_us_ci95:
      raw.noise === null || raw.noise.rounds.length === 0
        ? null
        : slowdownOf(raw.noise.operation, raw.noise.rounds, { seed }).usCi95,
  };
}
