import type { Check } from "./check.ts";
import { type HostReader, readNumber, readText } from "./host-reader.ts";
import { chargesMemlock, type KernelFacts } from "./kernel.ts";

/** Numbers of include/uapi/linux/capability.h. */
const CAPABILITY = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_IPC_LOCK: 14,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof CAPABILITY;

export interface PrivilegeFacts {
  /** Effective user id; null if /proc/self/status cannot be read. */
  uid: number | null;
  effective: bigint;
  bounding: bigint;
  /** Highest capability that the kernel knows; null if it cannot be read. */
  lastCapability: number | null;
  /** Whether this is the initial user namespace, by its inode; null if unknown. */
  inInitialUserNamespace: boolean | null;
  /** Seccomp mode of this process: 0 none, 1 strict, 2 filter. */
  seccomp: number;
}

/** PROC_USER_INIT_INO of include/linux/proc_ns.h. */
const INITIAL_USER_NAMESPACE = "user:[4026531837]";

export function readPrivileges(host: HostReader): PrivilegeFacts {
  const status = readText(host, "/proc/self/status") ?? "";
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";
  const mask = (name: string) => (/^[0-9a-f]{1,16}$/.test(field(name)) ? BigInt(`0x${field(name)}`) : 0n);
  const namespace = host.readLink("/proc/self/ns/user");
  const uid = field("Uid").split(/\s+/)[1];
  return {
    uid: uid ? Number(uid) : null,
    effective: mask("CapEff"),
    bounding: mask("CapBnd"),
    lastCapability: readNumber(host, "/proc/sys/kernel/cap_last_cap"),
    inInitialUserNamespace: namespace === null ? null : namespace === INITIAL_USER_NAMESPACE,
    seccomp: Number(field("Seccomp") || 0),
  };
}

/** Whether this process may use the capability on the whole machine. */
export function holds(privileges: PrivilegeFacts, capability: Capability): boolean {
  return (
    privileges.inInitialUserNamespace !== false &&
    ((privileges.effective >> BigInt(CAPABILITY[capability])) & 1n) === 1n
  );
}

/** Whether this is root of the whole machine. */
export function isRoot(privileges: PrivilegeFacts): boolean {
  return privileges.uid === 0 && privileges.inInitialUserNamespace !== false;
}

/**
 * Whether this process may load tracing programs. Linux 5.8 split CAP_BPF and CAP_PERFMON off CAP_SYS_ADMIN, which
 * still includes both.
 */
export function mayLoad(privileges: PrivilegeFacts): boolean {
  return holds(privileges, "CAP_SYS_ADMIN") || (holds(privileges, "CAP_BPF") && holds(privileges, "CAP_PERFMON"));
}

export function checkPrivileges(privileges: PrivilegeFacts, kernel: KernelFacts): Check[] {
  return [
    checkUser(privileges),
    checkUserNamespace(privileges),
    ...(["CAP_BPF", "CAP_PERFMON", "CAP_SYS_ADMIN"] as const).map((name) => checkLoading(privileges, name)),
    checkSysResource(privileges, kernel),
    ...OPTIONAL.map((optional) => checkOptional(privileges, optional)),
    checkSeccomp(privileges),
  ];
}

function checkUser(privileges: PrivilegeFacts): Check {
  const check = { id: "user", title: "user" };
  if (privileges.uid === 0 && privileges.inInitialUserNamespace === false) {
    return { ...check, status: "info", found: "root of this user namespace only" };
  }
  if (privileges.uid === 0) return { ...check, status: "ok", found: "root" };
  const who = privileges.uid === null ? "unknown: /proc/self/status cannot be read" : `uid ${privileges.uid}, not root`;
  if (mayLoad(privileges)) return { ...check, status: "ok", found: `${who}, with the capabilities that collect needs` };
  return { ...check, status: "info", found: who };
}

function checkUserNamespace(privileges: PrivilegeFacts): Check {
  const check = { id: "user-namespace", title: "user namespace" };
  switch (privileges.inInitialUserNamespace) {
    case true:
      return { ...check, status: "ok", found: "the initial one" };
    case false:
      return {
        ...check,
        status: "fail",
        found: "not the initial one (a rootless container?)",
        costs: "its capabilities have no effect outside of it, so no program can be loaded",
        hint: "run linnix on the host, or in a container that root started",
      };
    default:
      return { ...check, status: "info", found: "unknown: /proc/self/ns/user cannot be read" };
  }
}

function checkLoading(privileges: PrivilegeFacts, name: "CAP_BPF" | "CAP_PERFMON" | "CAP_SYS_ADMIN"): Check {
  const check = { id: name.toLowerCase().replaceAll("_", "-"), title: name };
  const found = foundIn(privileges, name);
  if (holds(privileges, name)) return { ...check, status: "ok", found };
  if (name === "CAP_SYS_ADMIN") {
    return {
      ...check,
      status: mayLoad(privileges) ? "warn" : "info",
      found,
      costs:
        "overhead-test cannot switch BPF statistics on, so it has no in-kernel figures; " +
        "the tracepoint backend cannot mount tracefs",
      ...hintFor(privileges, name),
    };
  }
  if (holds(privileges, "CAP_SYS_ADMIN")) {
    return { ...check, status: "ok", found: `${found}, included in CAP_SYS_ADMIN` };
  }
  return {
    ...check,
    status: "fail",
    found,
    costs:
      name === "CAP_BPF"
        ? "collect cannot load its programs"
        : "collect cannot load programs that trace, nor open perf rings for each CPU",
    ...hintFor(privileges, name),
  };
}

interface OptionalCapability {
  name: "CAP_DAC_READ_SEARCH" | "CAP_SYS_PTRACE";
  costs: string;
}

/** Capabilities that linnix can do without. */
const OPTIONAL: readonly OptionalCapability[] = [
  {
    name: "CAP_DAC_READ_SEARCH",
    costs:
      "linnix searches the hierarchy for the paths of cgroups, and does not find removed ones; " +
      "the tracepoint backend cannot read tracefs unless the user is root",
  },
  {
    name: "CAP_SYS_PTRACE",
    costs: "exe is null for processes of other users that ran before collect began",
  },
];

function checkSysResource(privileges: PrivilegeFacts, kernel: KernelFacts): Check {
  const check = { id: "cap-sys-resource", title: "CAP_SYS_RESOURCE" };
  const found = foundIn(privileges, "CAP_SYS_RESOURCE");
  if (holds(privileges, "CAP_SYS_RESOURCE")) return { ...check, status: "ok", found };
  if (chargesMemlock(kernel) === false) {
    return { ...check, status: "info", found: `${found}; this kernel does not require it` };
  }
  return { ...check, status: "info", found, costs: "RLIMIT_MEMLOCK limits the BPF maps" };
}

function checkOptional(privileges: PrivilegeFacts, { name, costs }: OptionalCapability): Check {
  const check = { id: name.toLowerCase().replaceAll("_", "-"), title: name, found: foundIn(privileges, name) };
  return holds(privileges, name) ? { ...check, status: "ok" } : { ...check, status: "info", costs };
}

function checkSeccomp(privileges: PrivilegeFacts): Check {
  const check = { id: "seccomp", title: "seccomp" };
  if (privileges.seccomp === 0) return { ...check, status: "ok", found: "no filter on this process" };
  return {
    ...check,
    status: mayLoad(privileges) ? "info" : "warn",
    found: "a filter on this process",
    costs: "it may refuse bpf(2) and perf_event_open(2) regardless of capabilities",
    hint: "docker run --security-opt seccomp=unconfined, or a profile that allows both calls",
  };
}

function foundIn(privileges: PrivilegeFacts, name: Capability): string {
  const number = CAPABILITY[name];
  if (privileges.lastCapability !== null && privileges.lastCapability < number) return "unknown to this kernel (5.8)";
  const bit = 1n << BigInt(number);
  if (privileges.effective & bit) {
    return privileges.inInitialUserNamespace === false ? "in this user namespace only" : "effective";
  }
  return privileges.bounding & bit
    ? "not effective, but in the bounding set"
    : "neither effective nor in the bounding set";
}

function hintFor(privileges: PrivilegeFacts, name: Capability): { hint?: string } {
  // More capabilities in this user namespace would not help.
  if (privileges.inInitialUserNamespace === false) return {};
  const bare = name.slice("CAP_".length);
  const inBounding = (privileges.bounding >> BigInt(CAPABILITY[name])) & 1n;
  if (inBounding && privileges.uid !== 0) return { hint: "run it as root: sudo linnix …" };
  return {
    hint: `docker run --cap-add ${bare}, or for a systemd unit AmbientCapabilities= and CapabilityBoundingSet= with ${name}`,
  };
}
