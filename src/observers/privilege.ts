import { pidNamespace } from "../procfs/pid-namespace.ts";
import type { Availability } from "./observer.ts";

/** Why a method cannot be had without root; null where this process is root. */
export function needRoot(forWhat: string): Availability | null {
  if (process.geteuid?.() === 0) return null;
  return { ok: false, reason: `${forWhat} needs root`, hint: "run it with sudo" };
}

/** Why a method cannot be had in a pid namespace other than the initial one; null where this is the initial one. */
export function needInitialPidNamespace(why: string, namespace = pidNamespace()): Availability | null {
  if (namespace.isInitial) return null;
  const reason = `${why}, and this is a pid namespace other than the initial one`;
  return { ok: false, reason, hint: "start the container with --pid=host, or run linnix on the host" };
}
