import { INITIAL_CGROUP_NAMESPACE } from "../cgroup/cgroup-namespace.ts";
import type { Mount } from "../procfs/mountinfo.ts";
import { INITIAL_PID_NAMESPACE, type PidNamespace, readPidNamespace } from "../procfs/pid-namespace.ts";
import { readTimeNamespace, type TimeNamespace, unknownOffset } from "../sys/time-namespace.ts";
import type { Check } from "./check.ts";
import { type HostReader, readText } from "./host-reader.ts";
import { holds, type PrivilegeFacts } from "./privileges.ts";

export interface NamespaceFacts {
  /** null if it is not known. */
  inInitialPidNamespace: boolean | null;
  /** null if it cannot be read, for example on a kernel without namespaces. */
  inInitialCgroupNamespace: boolean | null;
  /** The namespace whose pids /proc shows; null if unknown. */
  procPids: PidNamespace["proc"] | null;
  /**
   * `hidepid=` of /proc: `0`/`off`, `1`/`noaccess`, `2`/`invisible`, `4`/`ptraceable`; null if the option is absent.
   */
  hidepid: string | null;
  time: TimeNamespace;
}

export function readNamespaces(host: HostReader, mounts: readonly Mount[]): NamespaceFacts {
  const namespace = host.readLink("/proc/self/ns/pid");
  const cgroup = host.readLink("/proc/self/ns/cgroup");
  // The last mount on a target hides the earlier ones.
  const proc = mounts.findLast((mount) => mount.target === "/proc" && mount.type === "proc");
  const hidepid = proc?.options.find((option) => option.startsWith("hidepid="))?.slice("hidepid=".length);
  const { proc: procPids } = readPidNamespace({
    link: (path) => host.readLink(path),
    text: (path) => readText(host, path),
  });
  return {
    procPids: procPids === "other" && host.readLink("/proc/self") === null ? null : procPids,
    inInitialPidNamespace: namespace === null ? null : namespace === INITIAL_PID_NAMESPACE,
    inInitialCgroupNamespace: cgroup === null ? null : cgroup === INITIAL_CGROUP_NAMESPACE,
    hidepid: hidepid ?? null,
    time: readTimeNamespace({ readLink: (path) => host.readLink(path), readText: (path) => readText(host, path) }),
  };
}

/** What is lost in a pid namespace other than the initial one. This depends on the namespace whose pids /proc shows. */
const COSTS: Record<PidNamespace["proc"], string> = {
  own:
    "pid and ppid of events are the host's, not those seen here; exe and args of processes that ran before the start " +
    "and v1 cgroups are null",
  initial: "overhead-test and compare-with-polling cannot run: /proc shows the host's pids, not this namespace's",
  other: "pid and ppid of events are the host's; overhead-test, compare-with-polling and --pid cannot run",
};

export function checkPidNamespace(namespaces: NamespaceFacts): Check {
  const check = { id: "pid-namespace", title: "pid namespace" };
  switch (namespaces.inInitialPidNamespace) {
    case true:
      return { ...check, status: "ok", found: "the initial one" };
    case false:
      return {
        ...check,
        status: "warn",
        found: "not the initial one (a container?)",
        costs: COSTS[namespaces.procPids ?? "own"],
        hint: "start the container with --pid=host (docker, podman), or run linnix on the host",
      };
    default:
      return { ...check, status: "info", found: "unknown: /proc/self/ns/pid cannot be read" };
  }
}

export function checkTimeNamespace({ time }: NamespaceFacts): Check {
  const check = { id: "time-namespace", title: "time namespace" };
  if (time.isInitial) return { ...check, status: "ok", found: "the initial one" };
  const problem = unknownOffset(time);
  if (problem === undefined) {
    const seconds = Number(time.boottimeOffsetNs) / 1e9;
    return { ...check, status: "ok", found: `not the initial one: linnix subtracts its offset of ${seconds} s` };
  }
  return {
    ...check,
    status: "warn",
    found: `not the initial one, ${problem.why}`,
    costs: "times of events are wrong or events come late; overhead-test and compare-with-polling refuse to run",
    hint: problem.hint,
  };
}

export function checkHidepid(namespaces: NamespaceFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "hidepid", title: "/proc" };
  const { hidepid } = namespaces;
  if (hidepid === null || hidepid === "0" || hidepid === "off") {
    return { ...check, status: "ok", found: "shows all processes" };
  }
  const found = `mounted with hidepid=${hidepid}`;
  if (holds(privileges, "CAP_SYS_PTRACE")) {
    const api = "without a token or --redact, an API at a loopback address shows every account what /proc hides";
    return { ...check, status: "ok", found: `${found}, which does not apply to this user; ${api}` };
  }
  return {
    ...check,
    status: "warn",
    found,
    costs: "processes of other users are hidden from polling, and from the tracepoint backend at its start",
    hint: "run it as root, or mount -o remount,hidepid=0 /proc",
  };
}
