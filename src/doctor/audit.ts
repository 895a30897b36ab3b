import type { Check } from "./check.ts";
import { type HostReader, readText } from "./host-reader.ts";
import type { KernelFacts } from "./kernel.ts";
import type { MachineFacts } from "./machine.ts";
import { isRoot, type PrivilegeFacts } from "./privileges.ts";
import { describeProgram, type FoundProgram, installHint, readVersion } from "./programs.ts";

export interface AuditFacts {
  auditctl: FoundProgram | null;
  auditdPath: string | null;
  /** Whether the kernel was built with audit. */
  inKernel: boolean;
  /** As `auditctl -s` and `-l` print it; null if linnix cannot run them. */
  state: AuditState | null;
  /** Whether a process named auditd exists. */
  isAuditdRunning: boolean;
}

export interface AuditState {
  /** 0 off, 1 on, 2 on and locked until reboot. */
  enabled: number;
  /** Pid of the process that gets the records; 0 for none. */
  auditdPid: number;
  rules: number;
}

export async function readAudit(host: HostReader): Promise<AuditFacts> {
  const path = host.which("auditctl");
  const version = path === null ? null : await readVersion(host, [path, "-v"]);
  return {
    auditctl: path === null ? null : { path, version },
    auditdPath: host.which("auditd"),
    // This file exists with CONFIG_AUDIT, even if audit is off.
    inKernel: host.exists("/proc/self/loginuid"),
    state: path === null ? null : await readState(host, path),
    isAuditdRunning: host
      .list("/proc")
      .some((name) => /^\d+$/.test(name) && readText(host, `/proc/${name}/comm`) === "auditd"),
  };
}

async function readState(host: HostReader, auditctl: string): Promise<AuditState | null> {
  const status = await host.run([auditctl, "-s"]);
  const list = await host.run([auditctl, "-l"]);
  if (status?.exitCode !== 0 || list?.exitCode !== 0) return null;
  const field = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(status.output)?.[1] ?? Number.NaN);
  const [enabled, auditdPid] = [field("enabled"), field("pid")];
  if (Number.isNaN(enabled) || Number.isNaN(auditdPid)) return null;
  const rules = list.output.split("\n").filter((line) => line.startsWith("-")).length;
  return { enabled, auditdPid, rules };
}

const NO_ROW = "compare-with-polling cannot measure auditd";

export function checkAudit(
  audit: AuditFacts,
  kernel: KernelFacts,
  machine: MachineFacts,
  privileges: PrivilegeFacts,
): Check[] {
  return [checkPrograms(audit, machine), checkState(audit, kernel, privileges)];
}

function checkPrograms(audit: AuditFacts, machine: MachineFacts): Check {
  const check = { id: "auditd", title: "auditd" };
  const missing = [audit.auditctl ? null : "auditctl", audit.auditdPath ? null : "auditd"].filter(Boolean);
  if (audit.auditctl && audit.auditdPath) {
    return { ...check, status: "ok", found: `${audit.auditdPath}; ${describeProgram(audit.auditctl)}` };
  }
  return {
    ...check,
    status: "warn",
    found: `${missing.join(" and ")} not installed`,
    costs: audit.auditctl ? `${NO_ROW}, because the daemon is missing` : NO_ROW,
    hint: installHint(machine, "auditd"),
  };
}

function checkState(audit: AuditFacts, kernel: KernelFacts, privileges: PrivilegeFacts): Check {
  const check = { id: "audit", title: "kernel audit" };
  if (!audit.inKernel) {
    return {
      ...check,
      status: "warn",
      found: "not in this kernel",
      costs: NO_ROW,
      hint: "a kernel with CONFIG_AUDITSYSCALL=y",
    };
  }
  const off = kernel.commandLine.findLast((word) => word === "audit=0" || word === "audit=off");
  if (off !== undefined) {
    return {
      ...check,
      status: "warn",
      found: `switched off by ${off} at boot`,
      costs: NO_ROW,
      hint: `boot without ${off}`,
    };
  }
  const { state } = audit;
  const withoutWhat = !isRoot(privileges)
    ? "without root"
    : audit.auditctl
      ? "because auditctl failed"
      : "without auditctl";
  if (audit.isAuditdRunning || (state !== null && (state.rules > 0 || state.auditdPid > 0))) {
    const rules = state === null ? `rules unknown ${withoutWhat}` : `${state.rules} rules`;
    return {
      ...check,
      status: "warn",
      found: `in use: ${audit.isAuditdRunning ? "auditd runs" : "no auditd runs"}, ${rules}`,
      costs:
        "compare-with-polling does not change audit and does not measure auditd; existing rules slow each process that they match",
      hint: "compare-with-polling --force-audit, which restores everything afterwards",
    };
  }
  if (state?.enabled === 2) {
    return { ...check, status: "warn", found: "locked until reboot (enabled 2)", costs: NO_ROW, hint: "reboot" };
  }
  if (state === null) {
    return { ...check, status: "info", found: `in this kernel, no auditd runs, rules unknown ${withoutWhat}` };
  }
  return {
    ...check,
    status: "ok",
    found: `${state.enabled === 1 ? "on" : "off"}, no rules, no auditd runs: linnix can use it`,
  };
}
