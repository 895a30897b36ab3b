import { cannotRunError } from "../errors.ts";
import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";

/**
 * Checks that /proc shows the pids of this process's namespace, because the test reads /proc by these pids.
 * @param command the subcommand, for the message
 * @throws LinnixError (exit code 3) if /proc has other pids
 */
export function assertOwnProc(command: string, namespace: PidNamespace = pidNamespace()): void {
  if (namespace.isInitial ? namespace.proc === "initial" : namespace.proc === "own") return;
  throw cannotRunError("pid-namespace", {
    what: `${command} cannot run here`,
    why: "/proc does not show the pid namespace of this process, so its processes cannot be measured",
    hint: "mount the /proc of this namespace (unshare --mount-proc), or run linnix on the host",
  });
}

/**
 * Checks that events can be matched by pid with the processes of the workload. Outside of the initial pid namespace,
 * only the BTF backend reports the pids of the namespace.
 * @throws LinnixError (exit code 3) if they cannot be matched
 */
export function assertMatchable(command: string, backend: "btf" | "tracepoint", namespace = pidNamespace()): void {
  if (namespace.isInitial || backend === "btf") return;
  throw cannotRunError("pid-namespace", {
    what: `${command} cannot run here`,
    why: "this is a pid namespace other than the initial one, and the events of the tracepoint backend have host pids only",
    hint: "start the container with --pid=host, run linnix on the host, or use --backend btf if the kernel has BTF",
  });
}
