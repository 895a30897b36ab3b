import { type Meter, type Reading, windowBetween } from "./meter.ts";
import type { RawWindow } from "./raw.ts";
import { sleep } from "./sleep.ts";

/** A window with its begin and end, CLOCK_BOOTTIME, ns, which is the clock of the events. */
export interface TimedWindow {
  raw: RawWindow;
  fromNs: number;
  toNs: number;
}

export interface WindowOptions {
  meter: Meter;
  place: Pick<RawWindow, "phase" | "rate">;
  windows: number;
  windowMs: number;
  /** Bun.nanoseconds() of the beginning of the run. */
  runBeganNs: number;
  signal: AbortSignal;
  /** Called after each window; returns false to end the measuring. */
  onWindow?(window: TimedWindow): boolean;
}

/** The first and last reading, and the windows in between. After an abort the last window is shorter. */
export interface Measured {
  windows: TimedWindow[];
  first: Reading;
  last: Reading;
}

/** A window is dropped if an abort cut it to less than this share of its length. */
const LEAST_SHARE = 0.25;

/** Reads the clocks at absolute times, so that the delay of one window does not add to the next one. */
export async function measureWindows(options: WindowOptions): Promise<Measured> {
  const { meter, place, windowMs, runBeganNs, signal } = options;
  const first = meter.read();
  let last = first;
  const windows: TimedWindow[] = [];
  for (let i = 1; i <= options.windows && !signal.aborted; i++) {
    await sleep((first.atNs - Bun.nanoseconds()) / 1e6 + i * windowMs, signal);
    const now = meter.read();
    if (signal.aborted && now.atNs - last.atNs < LEAST_SHARE * windowMs * 1e6) break;
    const window = { raw: windowBetween(last, now, place, runBeganNs), fromNs: last.boottimeNs, toNs: now.boottimeNs };
    windows.push(window);
    last = now;
    if (options.onWindow?.(window) === false) break;
  }
  return { windows, first, last };
}
