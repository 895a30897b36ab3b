import { cannotRunError } from "../errors.ts";
import { type PidNamespace, pidNamespace } from "../procfs/pid-namespace.ts";

/**
 * The test reads /proc by pids of this process's namespace.
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
 * Only the BTF backend gives the pid that a process has in its own namespace.
 * @throws LinnixError (exit code 3) if the events of a backend cannot be matched with the processes that this one makes
 */
export function assertMatchable(command: string, backend: "btf" | "tracepoint", namespace = pidNamespace()): void {
  if (namespace.isInitial || backend === "btf") return;
  throw cannotRunError("pid-namespace", {
    what: `${command} cannot run here`,
    why: "this is a pid namespace other than the initial one, and the events of the tracepoint backend have host pids only",
    hint: "start the container with --pid=host, run linnix on the host, or use --backend btf if the kernel has BTF",
  });
}
