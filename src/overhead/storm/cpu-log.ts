import { ProcessClock } from "../../procfs/process-clock.ts";
import { sleep } from "../sleep.ts";

const LOOK_EVERY_MS = 250;
/** A larger gap between readings shows that this process did not run, for example because it was stopped. */
const MAX_GAP_NS = 2e9;

/** CPU time of a process up to a moment. */
export interface CpuLook {
  /** ns since this process's start. */
  atNs: number;
  cpuNs: number;
}

/** CPU time of a process, read several times a second. */
export class CpuLog {
  readonly looks: CpuLook[] = [];
  readonly #clock: ProcessClock | null;

  constructor(pid: number) {
    this.#clock = ProcessClock.open(pid);
  }

  /** Reads for `ms`, or until the signal is aborted. @param goesOn ends the reading early if it returns false */
  async during(ms: number, signal: AbortSignal, goesOn: () => boolean = () => true): Promise<void> {
    const endMs = performance.now() + ms;
    for (;;) {
      this.look();
      const leftMs = endMs - performance.now();
      if (leftMs <= 0 || signal.aborted || !goesOn()) return;
      await sleep(Math.min(leftMs, LOOK_EVERY_MS), signal);
    }
  }

  /** Reads once. @returns the time of the reading, ns since this process's start */
  look(): number {
    const atNs = Bun.nanoseconds();
    const now = this.#clock?.read();
    if (now) this.looks.push({ atNs: now.atNs, cpuNs: Number(now.cpuNs) });
    return atNs;
  }
}

/** Average from one time to another, % of one core; null with fewer than two readings between them. */
export function averageCpuPct(looks: readonly CpuLook[], fromNs: number, toNs: number): number | null {
  const within = looks.filter(({ atNs }) => atNs >= fromNs && atNs <= toNs);
  const [first] = within;
  const last = within.at(-1);
  return first === undefined || last === undefined || first === last ? null : pctBetween(first, last);
}

/**
 * The highest average of any window of at least `windowNs`, % of one core. Null if no window fits between the two
 * times, or if readings between them are missing.
 */
export function mostCpuPct(
  looks: readonly CpuLook[],
  { fromNs, toNs, windowNs }: { fromNs: number; toNs: number; windowNs: number },
): number | null {
  let most: number | null = null;
  const within = looks.filter(({ atNs }) => atNs >= fromNs && atNs <= toNs);
  const hasGap = within.some(({ atNs }, index) => atNs - (within[index - 1]?.atNs ?? fromNs) > MAX_GAP_NS);
  if (hasGap || toNs - (within.at(-1)?.atNs ?? toNs) > MAX_GAP_NS) return null;
  for (const first of within) {
    const last = within.find(({ atNs }) => atNs - first.atNs >= windowNs);
    if (last === undefined) break;
    most = Math.max(most ?? 0, pctBetween(first, last));
  }
  return most;
}

function pctBetween(first: CpuLook, last: CpuLook): number {
  return (100 * (last.cpuNs - first.cpuNs)) / (last.atNs - first.atNs);
}
