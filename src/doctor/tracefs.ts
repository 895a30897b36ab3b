import type { Mount } from "../procfs/mountinfo.ts";
import type { Check } from "./check.ts";
import { type HostReader, type ReadFailure, readFailure, readText } from "./host-reader.ts";
import { type KernelFacts, offersBtfBackend } from "./kernel.ts";
import { holds, type PrivilegeFacts } from "./privileges.ts";

export interface TracefsFacts {
  /** Where it is mounted; null if it is not. */
  target: string | null;
  /** Why the tracepoints' format files cannot be read there; null if they can, or if it is not mounted. */
  failure: ReadFailure | null;
  /** Whether the kernel has tracefs, mounted or not. */
  supported: boolean;
}

export function readTracefs(host: HostReader, mounts: readonly Mount[]): TracefsFacts {
  const target = mounts.find((mount) => mount.type === "tracefs")?.target ?? null;
  const filesystems = readText(host, "/proc/filesystems") ?? "";
  return {
    target,
    failure: target === null ? null : readFailure(host, `${target}/events/sched/sched_process_exit/format`),
    supported: target !== null || /^nodev\ttracefs$/m.test(filesystems),
  };
}

/** Whether the `tracepoint` backend could read the format files of tracepoints as root. */
export function offersTracepointBackend(tracefs: TracefsFacts): boolean {
  return tracefs.target === null ? tracefs.supported : tracefs.failure !== "absent";
}

export function checkTracefs(tracefs: TracefsFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "tracefs", title: "tracefs" };
  const needed = !offersBtfBackend(kernel);
  const costs = needed
    ? "without BTF and without tracefs no backend can run"
    : "only collect --backend tracepoint needs it";

  if (!offersTracepointBackend(tracefs)) {
    return {
      ...check,
      status: needed ? "fail" : "info",
      found: tracefs.supported ? `${tracefs.target} has no sched events` : "not in this kernel",
      costs,
      hint: "a kernel with CONFIG_FTRACE=y, or with CONFIG_DEBUG_INFO_BTF=y, which does not need tracefs",
    };
  }
  if (tracefs.target !== null) {
    if (tracefs.failure === null) return { ...check, status: "ok", found: `mounted on ${tracefs.target}` };
    return {
      ...check,
      status: needed ? "warn" : "info",
      found: `mounted on ${tracefs.target}; ${tracefs.failure === "denied" ? "only root can read its files" : "its files cannot be read"}`,
      costs,
    };
  }
  if (holds(privileges, "CAP_SYS_ADMIN")) {
    return { ...check, status: "ok", found: "not mounted; collect mounts it privately if necessary" };
  }
  return {
    ...check,
    status: needed ? "fail" : "info",
    found: "not mounted, and this user cannot mount it",
    costs,
    hint: "as root: mount -t tracefs tracefs /sys/kernel/tracing",
  };
}
