import type { Availability } from "./observer.ts";

/** Why a method cannot be had without root; null where this process is root. */
export function needRoot(forWhat: string): Availability | null {
  if (process.geteuid?.() === 0) return null;
  return { ok: false, reason: `${forWhat} needs root`, mend: "run it with sudo" };
}
