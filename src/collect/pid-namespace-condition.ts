import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";
import type { Conditions } from "./conditions.ts";

const MESSAGE =
  "this is a pid namespace other than the initial one (a container?), and /proc has its pids: " +
  "pids of events are the host's, and what comes from /proc by such a pid is null (exe and args of processes that ran " +
  "before the start, v1 cgroups)";
const UNSEEN =
  "; this kernel does not list the processes outside of it, so they have no samples, and one whose exit is lost stays " +
  "until its pid is used again";
const HINT = "start the container with --pid=host, or run linnix on the host";

/**
 * Sets the condition if the pids of /proc are not those of the kernel's events. It holds until the end.
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
