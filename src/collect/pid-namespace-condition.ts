import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";
import type { Conditions } from "./conditions.ts";

const MESSAGE =
  "linnix runs in a pid namespace other than the initial one (a container?): events have the host's pids, which /proc " +
  "does not show, so values that linnix reads from /proc by pid are null (exe and args of processes that ran " +
  "before the start, v1 cgroups)";
const UNSEEN =
  "; this kernel does not list the processes outside of it, so they have no samples, and a process whose exit is lost " +
  "stays in the table until its pid is used again";
const HINT = "start the container with --pid=host, or run linnix on the host";

/**
 * Sets the condition if the pids of /proc are not those of the kernel's events. The condition holds until the end of
 * the run.
 * @param listsAll whether the processes outside of the namespace can be listed
 */
export function reportPidNamespace(
  conditions: Conditions,
  listsAll: boolean,
  namespace: PidNamespace = pidNamespace(),
): void {
  if (namespace.proc === "initial") return;
  conditions.set("foreign_pid_namespace", listsAll ? MESSAGE : MESSAGE + UNSEEN, HINT);
}
