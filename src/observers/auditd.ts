import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { cannotRunError, LinnixError } from "../errors.ts";
import { readProcFile } from "../procfs/proc-stat.ts";
import type { CpuUsage } from "../sys/child.ts";
import {
  AUDITED_SYSCALLS,
  AuditControl,
  type AuditFlags,
  type AuditStatus,
  auditKey,
  auditKeyPrefix,
  ownerLives,
  ruleOwner,
  sameFlags,
} from "./audit-control.ts";
import { AuditGuard, PID_FILE } from "./audit-guard.ts";
import { parseAudit } from "./audit-log.ts";
import { defineObserver, needProgram } from "./define.ts";
import { LaunchedTool, makeFolder, removeFolder } from "./launch.ts";
import { LogTail } from "./log-tail.ts";
import {
  type AvailabilityOptions,
  newTally,
  type ObserverContext,
  type Program,
  type RunningObserver,
  type Sighting,
  type Tally,
  type Unavailable,
} from "./observer.ts";
import { catchesSignal, kernelThreadsNamed } from "./proc-fs.ts";

const AUDITCTL: Program = { name: "auditctl", debian: "auditd", elsewhere: "audit", version: ["-v"] };
const AUDITD: Program = { name: "auditd", debian: "auditd", elsewhere: "audit" };
/** The value in distributions' own rules (`-b 8192`). With the kernel's default of 64, records are lost immediately. */
const BACKLOG_LIMIT = 8192;
/**
 * A process may wait 60 s per record by the kernel's default; this divides it to 0.1 s. If the daemon is overrun or
 * stops reading, the machine must not wait for it. The kernel counts the records that are then lost.
 */
const BACKLOG_WAIT_DIVISOR = 600;
/** Default paths of the settings and the log of a daemon that linnix did not start. */
const SYSTEM_CONFIG = "/etc/audit";
const SYSTEM_LOG = "/var/log/audit/audit.log";
/** How long the last records may take to arrive in the log, ms. */
const DRAIN_TIMEOUT_MS = 3_000;
const DRAIN_POLL_MS = 20;

/**
 * The settings that Debian ships, with these changes: paths and log group; one log of at most 512 MiB instead of five
 * of 8 MiB in rotation; less space kept free; IGNORE instead of SYSLOG; no mail or TCP settings. If the log is full or
 * the disk has too little space, auditd stops writing and does nothing else to the machine.
 */
function configText(folder: string): string {
  return `local_events = yes
write_logs = yes
log_file = ${logPath(folder)}
log_group = root
log_format = ENRICHED
flush = INCREMENTAL_ASYNC
freq = 50
max_log_file = 512
max_log_file_action = SUSPEND
num_logs = 2
priority_boost = 4
name_format = NONE
space_left = 16
space_left_action = IGNORE
admin_space_left = 8
admin_space_left_action = SUSPEND
disk_full_action = SUSPEND
disk_error_action = SUSPEND
distribute_network = no
q_depth = 2000
overflow_action = IGNORE
max_restarts = 10
plugin_dir = ${join(folder, "plugins.d")}
end_of_event_timeout = 2
`;
}

function logPath(folder: string): string {
  return join(folder, "audit.log");
}

async function objection({ forceAudit = false }: AvailabilityOptions): Promise<Unavailable | null> {
  try {
    const control = new AuditControl(needProgram(AUDITCTL));
    const objection = whyNot(await control.status(), await control.rules(), forceAudit);
    return objection && { ok: false, ...objection };
  } catch (error) {
    if (!(error instanceof LinnixError)) throw error;
    const reason = [error.what, error.why].filter(Boolean).join(": ");
    return { ok: false, reason, hint: error.hint ?? "linnix doctor checks what this machine supports" };
  }
}

/** Why linnix must not change audit in this state, and a hint; null if it may. */
export function whyNot(
  status: AuditStatus,
  rules: readonly string[],
  force: boolean,
): { reason: string; hint: string } | null {
  if (status.enabled === 2) {
    return { reason: "the audit rules are locked until the next boot", hint: "boot without `-e 2` in the audit rules" };
  }
  if (status.failure === 2) {
    return { reason: "audit is set to panic when it loses a record", hint: "auditctl -f 1, while this runs" };
  }
  const owners = rules.map((rule) => ruleOwner(rule));
  if (owners.some((owner) => owner !== null && ownerLives(owner))) {
    return { reason: "another linnix is measuring audit", hint: "wait until it is done" };
  }
  if (rules.some((rule) => /^-a (never,task|task,never)/.test(rule))) {
    return {
      reason: "a rule (`-a task,never`) keeps all new processes out of audit",
      hint: "auditctl -d task,never, while this runs",
    };
  }
  // Rules and a daemon of a killed linnix are not in use. `start` removes them.
  const foreign = owners.filter((owner) => owner === null).length;
  const hasDaemon = status.daemonPid !== 0 && !owners.some((owner) => owner?.daemonPid === status.daemonPid);
  if (force || (foreign === 0 && !hasDaemon)) return null;
  const uses = [
    ...(hasDaemon ? [`auditd at work (pid ${status.daemonPid})`] : []),
    ...(foreign === 0 ? [] : [`${foreign} audit ${foreign === 1 ? "rule" : "rules"}`]),
  ];
  return {
    reason: `this machine has ${uses.join(" and ")}`,
    hint: "--force-audit adds linnix's own two rules while the method runs",
  };
}

async function start(context: ObserverContext): Promise<RunningObserver> {
  const control = new AuditControl(needProgram(AUDITCTL));
  const daemonPath = needProgram(AUDITD);
  context.signal?.throwIfAborted();
  const objection = whyNot(await control.status(), await control.rules(), context.forceAudit ?? false);
  if (objection !== null) throw cannotRunError("audit", { what: objection.reason, hint: objection.hint });
  await control.removeStale();

  const before = await control.status();
  const running = new RunningAudit(control, before, await control.rules(), context);
  try {
    await running.begin(daemonPath);
    return running;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}

/** Our rules in the kernel, and the daemon that writes their records: our own, or a daemon that already ran. */
class RunningAudit implements RunningObserver {
  readonly intervalMs = null;
  readonly #control: AuditControl;
  readonly #before: AuditStatus;
  readonly #rulesBefore: readonly string[];
  readonly #keyPrefix: string;
  readonly #folder: string;
  readonly #context: ObserverContext;
  readonly #log: LogTail;
  #guard: AuditGuard | null = null;
  #daemon: LaunchedTool | null = null;
  #problem: string | null = null;
  #lost = 0;
  #watching = false;
  #stopping: Promise<void> | null = null;

  constructor(control: AuditControl, before: AuditStatus, rules: readonly string[], context: ObserverContext) {
    this.#control = control;
    this.#before = before;
    this.#rulesBefore = rules;
    this.#keyPrefix = auditKeyPrefix(before);
    this.#context = context;
    this.#folder = makeFolder(context, "auditd");
    this.#log = new LogTail(before.daemonPid === 0 ? logPath(this.#folder) : logOfDaemon(before.daemonPid));
  }

  /**
   * Starts the daemon, then adds the rules, then turns audit on. Records without a daemon would go to the kernel's log.
   */
  async begin(daemonPath: string): Promise<void> {
    this.#guard = new AuditGuard(this.#control.auditctl, this.#keyPrefix, this.#before, this.#folder);
    await this.#stage("guarded");
    if (this.#before.daemonPid === 0) {
      await this.#startDaemon(daemonPath);
      await this.#stage("daemon");
    }
    const { enabled, backlogLimit, backlogWaitTime } = this.#before;
    await this.#control.setFlags({
      enabled,
      backlogLimit: Math.max(backlogLimit, BACKLOG_LIMIT),
      backlogWaitTime: backlogWaitTime === null ? null : Math.ceil(backlogWaitTime / BACKLOG_WAIT_DIVISOR),
    });
    await this.#stage("backlog");
    for (const syscalls of AUDITED_SYSCALLS) {
      await this.#control.addRule(syscalls, this.#key);
      await this.#stage(`rule ${syscalls}`);
    }
    if (enabled === 0) await this.#control.setEnabled(1);
    this.#watching = true;
    await this.#stage("watching");
  }

  async #startDaemon(daemonPath: string): Promise<void> {
    mkdirSync(join(this.#folder, "plugins.d"), { mode: 0o700 });
    writeFileSync(join(this.#folder, "auditd.conf"), configText(this.#folder), { mode: 0o600, flag: "wx" });
    const daemon = new LaunchedTool({
      argv: [daemonPath, "-n", "-s", "nochange", "-c", this.#folder],
      folder: this.#folder,
      stopSignal: "SIGTERM",
      // The rules must be removed first, so the guard ends the daemon.
      isSupervised: false,
    });
    this.#daemon = daemon;
    this.#guard?.watchDaemon(daemon.pid);
    // auditd ignores SIGTERM until it has set up its handlers.
    const isReady = async () =>
      (await this.#control.status()).daemonPid === daemon.pid && catchesSignal(daemon.pid, constants.signals.SIGTERM);
    await daemon.whenReady(isReady, this.#context.signal);
  }

  get #key(): string {
    return auditKey(this.#keyPrefix, this.#daemon?.pid ?? 0);
  }

  async #stage(name: string): Promise<void> {
    await this.#context.onStage?.(name);
    this.#context.signal?.throwIfAborted();
  }

  pids(): number[] {
    return [this.#daemon?.pid ?? this.#before.daemonPid];
  }

  kernelThreads(): number[] {
    return kernelThreadsNamed("kauditd");
  }

  problem(): string | null {
    return this.#problem ?? this.#daemon?.problem() ?? null;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#problem = this.#daemon?.problem() ?? null;
    const { onStage } = this.#context;
    // The steps run in reverse order, each even if an earlier one fails. The last step checks that audit is restored.
    await using undo = new AsyncDisposableStack();
    undo.defer(() => this.#checkRestored());
    undo.defer(() => this.#guard?.release());
    undo.defer(() => this.#stopDaemon());
    undo.defer(() => this.#restore());
    await onStage?.("stopping");
  }

  async #restore(): Promise<void> {
    if (this.#guard === null) return;
    await this.#guard.restore();
    await this.#putBack();
    await this.#context.onStage?.("restored");
    this.#lost = (await this.#control.status()).lost - this.#before.lost;
    await this.#drain();
  }

  /** Restores what the guard did not restore because it was killed. */
  async #putBack(): Promise<void> {
    for (const rule of await this.#control.rules()) {
      if (ruleOwner(rule)?.key !== this.#key) continue;
      for (const syscalls of AUDITED_SYSCALLS) await this.#control.removeRule(syscalls, this.#key);
    }
    await this.#control.setFlags(this.#before);
  }

  async #stopDaemon(): Promise<void> {
    if (this.#daemon === null) return;
    await this.#daemon.stop();
    await this.#control.forgetDeadDaemon();
    this.#removePidFile(this.#daemon.pid);
    await this.#context.onStage?.("stopped");
  }

  /** Waits for the record that says that our last rule was removed. It comes after all records that the rules made. */
  async #drain(): Promise<void> {
    if (!this.#watching) return;
    const deadline = performance.now() + DRAIN_TIMEOUT_MS;
    const last = AUDITED_SYSCALLS.length;
    while (performance.now() < deadline && this.problem() === null && !this.#daemon?.ended) {
      let removed = 0;
      for (const line of this.#log.tailLines()) {
        if (line.startsWith("type=CONFIG_CHANGE") && line.includes("remove_rule") && line.includes(this.#key))
          removed += 1;
      }
      if (removed >= last) return;
      await Bun.sleep(DRAIN_POLL_MS);
    }
  }

  /** Removes the pid file, which auditd leaves if it is killed. */
  #removePidFile(daemonPid: number): void {
    if (readProcFile(PID_FILE)?.trim() === String(daemonPid)) rmSync(PID_FILE, { force: true });
  }

  /** Reports what could not be restored. */
  async #checkRestored(): Promise<void> {
    const now = await this.#control.status();
    const rules = await this.#control.rules();
    const missing = this.#rulesBefore.some((rule) => !rules.includes(rule));
    const ours = rules.some((rule) => ruleOwner(rule)?.key === this.#key);
    if (!ours && !missing && sameFlags(now, this.#before)) return;
    throw cannotRunError("audit-restore", {
      what: "audit could not be restored",
      why: `it was ${flagsText(this.#before)} with ${this.#rulesBefore.length} rules, it is ${flagsText(now)} with ${rules.length}`,
      hint: `look at \`auditctl -s\` and \`auditctl -l\`; rules with the key ${this.#key} are linnix's`,
    });
  }

  *seen(tally: Tally = newTally()): Generator<Sighting> {
    if (this.#stopping === null) {
      throw cannotRunError("method-running", {
        what: "the output of auditd can only be read after auditd has stopped",
      });
    }
    tally.lost += this.#lost;
    yield* parseAudit(this.#log.lines(tally), tally, this.#key);
  }

  bytesWritten(): number {
    return this.#log.bytes();
  }

  usage(): CpuUsage | null {
    return this.#daemon?.usage() ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop();
    } finally {
      removeFolder(this.#folder);
    }
  }
}

function flagsText({ enabled, backlogLimit, backlogWaitTime }: AuditFlags): string {
  return `enabled ${enabled}, backlog_limit ${backlogLimit}, backlog_wait_time ${backlogWaitTime ?? "unknown"}`;
}

/** Path of the log of a daemon that linnix did not start, from that daemon's settings. */
function logOfDaemon(pid: number): string {
  const words = (readProcFile(`/proc/${pid}/cmdline`) ?? "").split("\0");
  const option = words.indexOf("-c");
  const folder = option === -1 ? undefined : words[option + 1];
  const config = readProcFile(join(folder ?? SYSTEM_CONFIG, "auditd.conf")) ?? "";
  return /^\s*log_file\s*=\s*(\/\S+)/m.exec(config)?.[1] ?? SYSTEM_LOG;
}

/** auditd: rules for exec and exit, and a daemon that writes their records to a log. */
export const auditd = defineObserver({
  name: "auditd",
  summary: "rules for execve and exit, and a daemon of its own with a log",
  programs: [AUDITD, AUDITCTL],
  needs: {
    // In other pid namespaces the kernel returns EPERM: audit_netlink_ok() of kernel/audit.c.
    initialPidNamespace: "audit records have host pids",
    root: "the audit subsystem",
    checks: ["auditd", "audit"],
  },
  objection,
  kind: "events",
  inKernel: "audit",
  reports: ["exec", "exit", "args", "status"],
  aftermath:
    "if audit was never on since boot, the kernel now checks every system call of new processes (about 0.1 µs a call) until the next boot; `auditctl -a task,never` prevents that",
  start,
});
