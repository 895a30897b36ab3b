import { cannotRunError, type LinnixError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import { readProcStat } from "../procfs/proc-stat.ts";
import { firstLine, runTool } from "../sys/tool.ts";
import { isAlive } from "./proc-fs.ts";

/** The audit settings that a run changes, and restores at its end. */
export interface AuditFlags {
  /** 0 off, 1 on, 2 on and locked until the next boot. */
  enabled: number;
  /** Maximum number of records that wait for the daemon. */
  backlogLimit: number;
  /**
   * How long a process waits for each record while the backlog is full, jiffies. Null on old kernels, which do not
   * report it.
   */
  backlogWaitTime: number | null;
}

/** What `auditctl -s` prints about the kernel's audit subsystem, see audit(8) and auditctl(8). */
export interface AuditStatus extends AuditFlags {
  /** What the kernel does when it cannot log: 0 nothing, 1 print, 2 panic. */
  failure: number;
  /**
   * Pid of the daemon that gets the records; 0 for none. A killed daemon's pid stays until the kernel has a record for
   * it.
   */
  daemonPid: number;
  /** Records that were lost since boot. */
  lost: number;
}

/** Reads the output of `auditctl -s`. Returns null if the text is not such output. */
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

/** Whether two states agree in the settings that a run changes. */
export function sameFlags(a: AuditFlags, b: AuditFlags): boolean {
  return a.enabled === b.enabled && a.backlogLimit === b.backlogLimit && a.backlogWaitTime === b.backlogWaitTime;
}

/** The rules in the output of `auditctl -l`, which prints one rule per line. */
export function parseAuditRules(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("-"));
}

/**
 * What the key of our rules says: the linnix process that added them, and the flags to restore. If that process is
 * gone, the key alone is enough to undo its changes.
 */
export interface AuditOwner extends AuditFlags {
  key: string;
  pid: number;
  /** Start of the process, USER_HZ ticks since boot. Pid and start identify the process. */
  startTicks: number;
  /** Pid of the daemon that the process started; 0 if it used a daemon that already ran. */
  daemonPid: number;
}

/** The key of the rules that this process adds, without the part for the daemon. */
export function auditKeyPrefix(before: AuditFlags): string {
  const start = readProcStat(process.pid)?.startTicks ?? 0;
  const wait = before.backlogWaitTime ?? "x";
  return `linnix-e${before.enabled}-b${before.backlogLimit}-w${wait}-p${process.pid}-s${start}`;
}

/** The whole key: the prefix, and the pid of the daemon that we started, or 0. */
export function auditKey(prefix: string, daemonPid: number): string {
  return `${prefix}-d${daemonPid}`;
}

/** Reads the key of a rule. Returns null if linnix did not add the rule. */
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

/** Whether the process that added a rule still runs. */
export function ownerLives(owner: AuditOwner): boolean {
  const stat = readProcStat(owner.pid);
  return stat !== null && stat.state !== "Z" && stat.startTicks === owner.startTicks;
}

/** How often linnix checks whether a daemon of a killed linnix has ended after SIGTERM. */
const STALE_DAEMON_TRIES = 250;
const STALE_DAEMON_POLL_MS = 20;

/** The system calls that our rules audit, one rule per item. b64 is the native ABI on each architecture of Bun. */
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
   * The state of audit. `daemonPid` is 0 if the daemon no longer exists.
   *
   * @throws LinnixError with auditctl's error message if auditctl fails
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

  /**
   * Makes the kernel notice that its daemon was killed. Each change of the enabled flag makes a record, which the
   * kernel cannot deliver.
   */
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

  /** Removes one of our rules. Ignores errors, because the rule may be gone already. */
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
   * Cleans up after a linnix that was killed together with its guard: removes its rules, restores the flags from their
   * keys, and ends its daemon.
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

  /** Ends a daemon that a killed linnix started. Does nothing if the kernel's audit daemon has another pid. */
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
