import { cannotRunError, type LinnixError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import { readProcStat } from "../procfs/proc-stat.ts";
import { firstLine, runTool } from "../sys/tool.ts";
import { isAlive } from "./proc-fs.ts";

/** What is changed for the time of a run, and put back after it. */
export interface AuditFlags {
  /** 0 off, 1 on, 2 on and locked until the next boot. */
  enabled: number;
  /** Maximum number of records that wait for the daemon. */
  backlogLimit: number;
  /** How long a process waits, at each of its records, where that many wait already, jiffies; null on old kernels. */
  backlogWaitTime: number | null;
}

/** What `auditctl -s` prints about the kernel's audit subsystem, see audit(8) and auditctl(8). */
export interface AuditStatus extends AuditFlags {
  /** What the kernel does when it cannot log: 0 nothing, 1 print, 2 panic. */
  failure: number;
  /** The daemon that records go to; 0 for none. One that was killed stays until the next record for it. */
  daemonPid: number;
  /** Records that were lost since boot. */
  lost: number;
}

/** Reads the output of `auditctl -s`; null if it is none. */
export function parseAuditStatus(text: string): AuditStatus | null {
  const value = (name: string): number | null => {
    const found = new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1];
    return found === undefined ? null : Number(found);
  };
  const enabled = value("enabled");
  const failure = value("failure");
  const daemonPid = value("pid");
  const backlogLimit = value("backlog_limit");
  const lost = value("lost");
  if (enabled === null || failure === null || daemonPid === null || backlogLimit === null || lost === null) return null;
  return { enabled, failure, daemonPid, backlogLimit, lost, backlogWaitTime: value("backlog_wait_time") };
}

/** Whether two states are the same in what a run changes. */
export function sameFlags(a: AuditFlags, b: AuditFlags): boolean {
  return a.enabled === b.enabled && a.backlogLimit === b.backlogLimit && a.backlogWaitTime === b.backlogWaitTime;
}

/** The rules in an output of `auditctl -l`, one a line. */
export function parseAuditRules(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("-"));
}

/**
 * The key of our rules: which linnix made them, and the flags to restore. So a rule whose owner is gone says by itself how
 * to undo it.
 */
export interface AuditOwner extends AuditFlags {
  key: string;
  pid: number;
  /** Start of the process, USER_HZ ticks: with the pid its identity. */
  startTicks: number;
  /** The daemon that it started; 0 if it used the one that was there. */
  daemonPid: number;
}

/** The key of the rules that this process makes, but for the daemon. */
export function auditKeyPrefix(before: AuditFlags): string {
  const start = readProcStat(process.pid)?.startTicks ?? 0;
  const wait = before.backlogWaitTime ?? "x";
  return `linnix-e${before.enabled}-b${before.backlogLimit}-w${wait}-p${process.pid}-s${start}`;
}

/** The whole key: a prefix, and the daemon that we have started, or 0. */
export function auditKey(prefix: string, daemonPid: number): string {
  return `${prefix}-d${daemonPid}`;
}

/** Whose rule this is; null for one that is not linnix's. */
export function ruleOwner(rule: string): AuditOwner | null {
  const found = /key=(linnix-e(\d)-b(\d+)-w(\d+|x)-p(\d+)-s(\d+)-d(\d+))(?:\s|$)/.exec(rule);
  if (found === null) return null;
  const [, key = "", enabled, backlogLimit, wait, pid, startTicks, daemonPid] = found;
  return {
    key,
    enabled: Number(enabled),
    backlogLimit: Number(backlogLimit),
    backlogWaitTime: wait === "x" ? null : Number(wait),
    pid: Number(pid),
    startTicks: Number(startTicks),
    daemonPid: Number(daemonPid),
  };
}

/** Whether the process that made a rule is still at work. */
export function ownerLives(owner: AuditOwner): boolean {
  const stat = readProcStat(owner.pid);
  return stat !== null && stat.state !== "Z" && stat.startTicks === owner.startTicks;
}

/** How long a daemon that was left behind has for its end, in polls. */
const STALE_DAEMON_TRIES = 250;
const STALE_DAEMON_POLL_MS = 20;

/** The system calls that we have audited, one rule each. b64 is the native ABI wherever Bun runs. */
export const AUDITED_SYSCALLS = ["execve,execveat", "exit,exit_group"] as const;

/** Arguments of auditctl that add or remove one of our rules. */
export function ruleArgs(action: "-a" | "-d", syscalls: string, key: string): string[] {
  return [action, "always,exit", "-F", "arch=b64", "-S", syscalls, "-k", key];
}

/** The kernel's audit subsystem through auditctl(8). */
export class AuditControl {
  /** @param auditctl absolute path of the program */
  constructor(readonly auditctl: string) {}

  /**
   * The state, a daemon that is no more left out.
   *
   * @throws LinnixError with auditctl's own words if it is refused
   */
  async status(): Promise<AuditStatus> {
    const status = await this.#status();
    return isAlive(status.daemonPid) ? status : { ...status, daemonPid: 0 };
  }

  async #status(): Promise<AuditStatus> {
    const result = await runTool([this.auditctl, "-s"]);
    const status = parseAuditStatus(result.stdout);
    if (status === null) throw refused("read the state of audit", result.stderr);
    return status;
  }

  /** Makes the kernel notice that its daemon was killed, by the record of its own switch, which has no receiver. */
  async forgetDeadDaemon(): Promise<void> {
    const { daemonPid, enabled } = await this.#status();
    if (daemonPid === 0 || isAlive(daemonPid)) return;
    await this.setEnabled(enabled === 0 ? 1 : 0);
    await this.setEnabled(enabled);
  }

  /** Rules as `auditctl -l` prints them. */
  async rules(): Promise<string[]> {
    const result = await runTool([this.auditctl, "-l"]);
    if (result.status !== 0) throw refused("list the audit rules", result.stderr);
    return parseAuditRules(result.stdout);
  }

  async addRule(syscalls: string, key: string): Promise<void> {
    await this.#change(ruleArgs("-a", syscalls, key), `add an audit rule for ${syscalls}`);
  }

  /** Removes one of our rules; that it is not there is no error. */
  async removeRule(syscalls: string, key: string): Promise<void> {
    await runTool([this.auditctl, ...ruleArgs("-d", syscalls, key)]);
  }

  async setEnabled(enabled: number): Promise<void> {
    await this.#change(["-e", String(enabled)], `set audit's enabled flag to ${enabled}`);
  }

  /** Sets the flags that differ. `enabled` is set last when it is turned on, and first when it is turned off. */
  async setFlags(wanted: AuditFlags): Promise<void> {
    const now = await this.#status();
    if (wanted.enabled < now.enabled) await this.setEnabled(wanted.enabled);
    if (wanted.backlogLimit !== now.backlogLimit) {
      const limit = String(wanted.backlogLimit);
      await this.#change(["-b", limit], `set audit's backlog limit to ${limit}`);
    }
    if (wanted.backlogWaitTime !== null && wanted.backlogWaitTime !== now.backlogWaitTime) {
      const wait = String(wanted.backlogWaitTime);
      await this.#change(["--backlog_wait_time", wait], `set audit's backlog wait time to ${wait}`);
    }
    if (wanted.enabled > now.enabled) await this.setEnabled(wanted.enabled);
  }

  async #change(args: string[], what: string): Promise<void> {
    const result = await runTool([this.auditctl, ...args]);
    if (result.status !== 0) throw refused(what, result.stderr);
  }

  /**
   * Undoes what a killed linnix has left if its guard was killed as well: its rules, the flags that their keys hold, and
   * its daemon.
   */
  async removeStale(): Promise<void> {
    for (const rule of await this.rules()) {
      const owner = ruleOwner(rule);
      if (owner === null || ownerLives(owner)) continue;
      for (const syscalls of AUDITED_SYSCALLS) await this.removeRule(syscalls, owner.key);
      await this.setFlags(owner);
      await this.#endDaemon(owner.daemonPid);
    }
  }

  /** Ends a daemon that a killed linnix has started: the kernel's own word that it is one is its identity. */
  async #endDaemon(pid: number): Promise<void> {
    if (pid === 0 || (await this.status()).daemonPid !== pid) return;
    process.kill(pid, "SIGTERM");
    for (let tries = 0; isAlive(pid) && tries < STALE_DAEMON_TRIES; tries += 1) await Bun.sleep(STALE_DAEMON_POLL_MS);
  }
}

function refused(what: string, stderr: string): LinnixError {
  return cannotRunError("audit", {
    what: `could not ${what}`,
    why: printable(firstLine(stderr)).slice(0, 300) || undefined,
    hint: "run as root of the machine itself, not of a container; or leave out auditd with --methods",
  });
}
