import { type SystemCpuUse, systemCpuUse } from "../procfs/system-cpu.ts";
import { sum } from "../stats/moments.ts";
import { EVENTS_PER_PROCESS } from "../workload/profiles.ts";
import type { RawWindow } from "./raw.ts";

/** A window in which the CPU time of the subject's processes is known. */
export type CostWindow = RawWindow & { cpu_ns: number };

/** Whether the CPU time of the subject's processes is known in the window. */
export function hasCost(window: RawWindow): window is CostWindow {
  return window.cpu_ns !== null;
}

/** Average of `ns` over the time that really passed, % of one core. */
export function corePct(windows: readonly RawWindow[], ns: (window: RawWindow) => number): number {
  return (100 * sum(windows.map(ns))) / sum(windows.map(({ elapsed_ns }) => elapsed_ns));
}

/** `ns` as % of one core over the window; null stays null. */
export function windowPct({ elapsed_ns }: RawWindow, ns: number | null): number | null {
  return ns === null ? null : (100 * ns) / elapsed_ns;
}

/** CPU time of the subject's processes and time in its BPF programs, ns; null if either is not known. */
export function totalNs({ cpu_ns, run_ns }: RawWindow): number | null {
  return cpu_ns === null || run_ns === null ? null : cpu_ns + run_ns;
}

/** CPU use of the machine over some windows; null if it was not read. */
export function machineOf(windows: readonly RawWindow[]): SystemCpuUse | null {
  const machines = windows.flatMap(({ machine }) => (machine === null ? [] : [machine]));
  const cpus = machines[0]?.cpus;
  if (cpus === undefined) return null;
  const none = { cpus, userTicks: 0, systemTicks: 0, idleTicks: 0, stealTicks: 0 };
  const all = machines.reduce(
    (total, { userTicks, systemTicks, idleTicks, stealTicks }) => ({
      cpus,
      userTicks: total.userTicks + userTicks,
      systemTicks: total.systemTicks + systemTicks,
      idleTicks: total.idleTicks + idleTicks,
      stealTicks: total.stealTicks + stealTicks,
    }),
    none,
  );
  return systemCpuUse(none, all);
}

/** Number of processors of the machine; null if it was not read. */
export function cpusOf(windows: readonly RawWindow[]): number | null {
  return windows.find(({ machine }) => machine !== null)?.machine?.cpus ?? null;
}

/** The sum of the values; null if any of them is null. */
export function knownSum(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : sum(values.map((value) => value ?? 0));
}

/** Processes of the whole machine that the subject reported; if not known, processes of the workload. */
export function processesIn({ events, spawned }: RawWindow): number {
  return events === null ? spawned : events / EVENTS_PER_PROCESS;
}
