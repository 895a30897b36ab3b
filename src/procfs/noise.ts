import { readProcFile } from "./proc-stat.ts";
import { readSystemCpu, type SystemCpu, systemCpuUse } from "./system-cpu.ts";

/** Counters of what disturbs a measurement, at one moment. */
export interface NoiseCounters {
  /** When: ns since this process's start (monotonic). */
  atNs: number;
  system: SystemCpu | null;
  /** Time in which at least one task was ready and waited for a CPU, µs; null if the kernel does not measure it. */
  cpuPressureUs: number | null;
}

/** What disturbed the time between two readings. */
export interface Noise {
  /** Share of the machine's CPU time that the hypervisor gave to other guests. */
  stealMachinePct: number | null;
  /** Share of the time in which at least one task waited for a CPU. */
  cpuPressurePct: number | null;
  /** Share of the machine's CPU time that was used, by any process. */
  busyMachinePct: number | null;
}

/** Total of the `some` line of /proc/pressure/cpu, µs; null if there is none. */
export function parseCpuPressure(text: string): number | null {
  const total = /^some .*total=(\d+)$/m.exec(text)?.[1];
  return total === undefined ? null : Number(total);
}

export function readNoiseCounters(): NoiseCounters {
  const pressure = readProcFile("/proc/pressure/cpu");
  return {
    atNs: Bun.nanoseconds(),
    system: readSystemCpu(),
    cpuPressureUs: pressure === null ? null : parseCpuPressure(pressure),
  };
}

export function noiseBetween(before: NoiseCounters, after: NoiseCounters): Noise {
  const use = before.system && after.system ? systemCpuUse(before.system, after.system) : null;
  const elapsedUs = (after.atNs - before.atNs) / 1000;
  return {
    stealMachinePct: use?.stealMachinePct ?? null,
    cpuPressurePct:
      before.cpuPressureUs !== null && after.cpuPressureUs !== null && elapsedUs > 0
        ? (100 * (after.cpuPressureUs - before.cpuPressureUs)) / elapsedUs
        : null,
    busyMachinePct: use?.busyMachinePct ?? null,
  };
}
