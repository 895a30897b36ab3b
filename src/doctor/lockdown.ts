import type { Check } from "./check.ts";
import { type HostReader, readFailure, readNumber, readText } from "./host-reader.ts";
import type { KernelFacts } from "./kernel.ts";
import { mayLoad, type PrivilegeFacts } from "./privileges.ts";

export type LockdownMode = "none" | "integrity" | "confidentiality";

export interface LockdownFacts {
  /** null if it cannot be read. */
  mode: LockdownMode | null;
  denied: boolean;
  /** Whether securityfs shows any file. If not, the absence of the lockdown file means nothing. */
  securityfsMounted: boolean;
  /** kernel.unprivileged_bpf_disabled: 0 no, 1 until reboot, 2 yes; null if it cannot be read. */
  unprivilegedBpfDisabled: number | null;
}

const LOCKDOWN_PATH = "/sys/kernel/security/lockdown";
const CONFIDENTIALITY_COSTS = "the kernel refuses BPF programs that read its memory, and tracefs, to root too";

export function readLockdown(host: HostReader): LockdownFacts {
  // "none [integrity] confidentiality": the mode in brackets is active.
  const mode = /\[(none|integrity|confidentiality)\]/.exec(readText(host, LOCKDOWN_PATH) ?? "")?.[1];
  return {
    mode: (mode as LockdownMode | undefined) ?? null,
    denied: readFailure(host, LOCKDOWN_PATH) === "denied",
    securityfsMounted: host.list("/sys/kernel/security").length > 0,
    unprivilegedBpfDisabled: readNumber(host, "/proc/sys/kernel/unprivileged_bpf_disabled"),
  };
}

export function checkLockdown(lockdown: LockdownFacts, kernel: KernelFacts): Check {
  const check = { id: "lockdown", title: "lockdown" };
  switch (lockdown.mode) {
    case "none":
      return { ...check, status: "ok", found: "none" };
    case "integrity":
      return { ...check, status: "ok", found: "integrity, which allows BPF programs to read kernel memory" };
    case "confidentiality":
      return {
        ...check,
        status: "fail",
        found: "confidentiality",
        costs: CONFIDENTIALITY_COSTS,
        hint: "boot with lockdown=integrity; the mode cannot be lowered without a reboot",
      };
    default:
      break;
  }
  const asked = kernel.commandLine.find((word) => word.startsWith("lockdown="));
  if (kernel.config("SECURITY_LOCKDOWN_LSM") === "n") return { ...check, status: "ok", found: "not in this kernel" };
  if (lockdown.securityfsMounted && !lockdown.denied) return { ...check, status: "ok", found: "not active" };
  const isLikely = asked === "lockdown=confidentiality";
  return {
    ...check,
    status: isLikely ? "warn" : "info",
    found: lockdown.denied
      ? "unknown without root"
      : `unknown: securityfs is not mounted; ${asked ? `the kernel was booted with ${asked}` : "the kernel's command line sets none"}`,
    ...(isLikely ? { costs: CONFIDENTIALITY_COSTS } : {}),
    ...(lockdown.denied ? {} : { hint: "to see it: mount -t securityfs securityfs /sys/kernel/security" }),
  };
}

export function checkUnprivilegedBpf(lockdown: LockdownFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "unprivileged-bpf", title: "unprivileged BPF" };
  const value = lockdown.unprivilegedBpfDisabled;
  if (value === null) return { ...check, status: "info", found: "kernel.unprivileged_bpf_disabled cannot be read" };
  if (value === 0) {
    return {
      ...check,
      status: "info",
      found: "allowed (kernel.unprivileged_bpf_disabled = 0); linnix does not use it",
    };
  }
  const found = `disabled (kernel.unprivileged_bpf_disabled = ${value})`;
  if (mayLoad(privileges)) return { ...check, status: "ok", found: `${found}, which does not apply to this user` };
  return { ...check, status: "info", found, costs: "this user cannot load any program; linnix would need root anyway" };
}
