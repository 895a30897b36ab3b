import { constants } from "node:os";
import { Prng } from "../stats/prng.ts";
import { CLOCK, type RelativeClock } from "../sys/clock.ts";
import { type ChildUsage, cString, ExitWatch, kill, reap, Spawner } from "../sys/spawn.ts";
import { nonceText } from "./ground-truth.ts";
import { MixChooser } from "./mix-chooser.ts";
import { Pacer } from "./pacer.ts";
import { argvOf, type Command, type Site, VARIANTS } from "./programs.ts";
import type { WorkloadPlan } from "./spec.ts";
import { TruthColumns } from "./truth-columns.ts";

/** Why a run ended. */
export type EndReason = "duration" | "spawns" | "stop" | "abort" | "errors";

/** Ends a run from outside: `stop` lets the last children end, `abort` kills them. */
export interface LoopControl {
  request: "stop" | "abort" | null;
}

/** The result of a run, besides the rows. Times are ns since the clock's origin. */
export interface LoopOutcome {
  reason: EndReason;
  startedNs: number;
  /** When spawning ended. After it the loop waits for the last children. */
  endedNs: number;
  skipped: number;
  /** Number of failures of posix_spawn, by error number. */
  errors: Map<number, number>;
}

/** The longest time without a turn of the event loop. Input and most signals cause a turn immediately. */
const TURN_NS = 100e6;
/** Standard input, where commands come from. */
const STDIN_FD = 0;
/** Interval at which children without a pidfd are polled. */
const BLIND_POLL_NS = 2e6;
/** The loop skips slots that are later than this: to catch up on them would cause a burst that was not requested. */
const MAX_LATE_NS = 250e6;
/** After this many failures in a row, the spawner gives up. */
const MAX_ERRORS_IN_A_ROW = 100;
const ERROR_PAUSE_NS = 1e6;
/** How long a killed child may take to end. A child that takes longer sleeps uninterruptibly, and is not waited for. */
const KILL_WAIT_NS = 5e9;
/** A fixed environment: the same output and cost on every machine. */
const ENVIRONMENT = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C"];

/** Rows to allocate at the start: enough for all of a paced run, but maybe not for a run at full speed. */
function expectedRows(plan: WorkloadPlan): number {
  const paced = plan.rate === 0 ? 65_536 : (plan.rate * plan.durationMs) / 1000 + 64;
  return Math.min(plan.maxSpawns, paced);
}

/**
 * The paced loop of the spawner process. It spawns when a slot is due, sleeps
 * until the next slot or the next exit, and records spawns and exits. It blocks
 * the thread, because a timer of the event loop is a millisecond late and costs
 * more than a spawn. The event loop gets a turn if there is input or a signal,
 * and at least every 100 ms.
 */
export class SpawnLoop implements Disposable {
  readonly columns: TruthColumns;
  readonly #plan: WorkloadPlan;
  readonly #commands: readonly { command: Command; path: Uint8Array }[];
  readonly #site: Site;
  readonly #run: number;
  readonly #clock: RelativeClock;
  readonly #chooser: MixChooser;
  readonly #variants: Prng;
  readonly #spawner = new Spawner(ENVIRONMENT);
  readonly #watch = new ExitWatch();
  readonly #ended = new Int32Array(256);
  /** Rows of the children that are not reaped, by pid. */
  readonly #alive = new Map<number, number>();
  readonly #blind = new Set<number>();
  readonly #errors = new Map<number, number>();
  #errorsInARow = 0;
  #lastLookNs = 0;
  #killing = false;

  constructor(plan: WorkloadPlan, commands: readonly Command[], site: Site, run: number, clock: RelativeClock) {
    this.#plan = plan;
    this.#commands = commands.map((command) => ({ command, path: cString(command.path) }));
    this.#site = site;
    this.#run = run;
    this.#clock = clock;
    const weights = commands.map((command) => command.share);
    this.#chooser = new MixChooser(weights, plan.seed);
    this.#variants = new Prng(plan.seed ^ 0x5bd1e995);
    this.columns = new TruthColumns(expectedRows(plan));
  }

  /** Spawns until something ends it, then waits for the last children or kills them. */
  async run(control: LoopControl): Promise<LoopOutcome> {
    const startedNs = this.#clock.now();
    const prng = new Prng(this.#plan.seed ^ 0x2545f491);
    const jitter = this.#plan.jitter ? () => prng.float() : null;
    const pacer = new Pacer(this.#plan.rate, startedNs, MAX_LATE_NS, jitter);
    this.#lastLookNs = startedNs;
    const reason = await this.#spawnAll(control, pacer, startedNs);
    const endedNs = this.#clock.now();
    // A slot that is due exactly at the end does not belong to the run.
    const lastNs = startedNs + this.#plan.durationMs * 1e6 - 1;
    if (reason !== "spawns") pacer.close(Math.min(endedNs, lastNs));
    await this.#drain(control, endedNs + this.#plan.drainMs * 1e6);
    await this.#killAll();
    return { reason, startedNs, endedNs, skipped: pacer.skipped, errors: this.#errors };
  }

  async #spawnAll(control: LoopControl, pacer: Pacer, startedNs: number): Promise<EndReason> {
    const { maxSpawns, maxOutstanding, rate } = this.#plan;
    const endNs = startedNs + this.#plan.durationMs * 1e6;
    let turnNs = startedNs + TURN_NS;
    for (;;) {
      const nowNs = this.#clock.now();
      if (control.request !== null) return control.request;
      if (nowNs >= endNs) return "duration";
      if (nowNs >= turnNs) {
        await eventLoopTurn();
        turnNs = this.#clock.now() + TURN_NS;
        continue;
      }
      const done = this.columns.length >= maxSpawns;
      // A paced run of n spawns lasts n periods: it ends when the slot after its last would be due.
      if (done && (rate === 0 || nowNs >= pacer.nextNs)) return "spawns";
      const full = !done && this.#alive.size >= maxOutstanding;
      const dueNs = done || full ? Number.NaN : pacer.take(nowNs);
      if (!Number.isNaN(dueNs)) {
        this.#spawn(dueNs);
        this.#reapEnded();
        if (this.#errorsInARow >= MAX_ERRORS_IN_A_ROW) return "errors";
        continue;
      }
      // With `maxOutstanding` children, the next spawn has to wait for an exit.
      const slotNs = full ? turnNs : pacer.nextNs;
      if (this.#sleepUntil(Math.min(turnNs, endNs, slotNs), STDIN_FD)) turnNs = 0;
    }
  }

  #spawn(dueNs: number): void {
    const kind = this.#chooser.next();
    const { command, path } = this.#commands[kind] as { command: Command; path: Uint8Array };
    const variant = this.#variants.index(VARIANTS);
    const nonce = nonceText(this.#run, this.columns.length);
    const argv = argvOf(command, this.#site, nonce, variant);
    const fromNs = this.#clock.now();
    const pid = this.#spawner.spawn(path, argv);
    const byNs = this.#clock.now();
    if (pid < 0) {
      this.#errors.set(-pid, (this.#errors.get(-pid) ?? 0) + 1);
      this.#errorsInARow++;
      this.#watch.wait(ERROR_PAUSE_NS);
      return;
    }
    this.#errorsInARow = 0;
    const row = this.columns.add();
    const arrays = this.columns.arrays;
    arrays.pid[row] = pid;
    arrays.command[row] = kind;
    arrays.variant[row] = variant;
    arrays.dueNs[row] = dueNs;
    arrays.spawnedFromNs[row] = fromNs;
    arrays.spawnedByNs[row] = byNs;
    this.#alive.set(pid, row);
    if (!this.#watch.add(pid)) this.#blind.add(pid);
  }

  /** Sleeps until `ns` or the next exit. @returns whether the event loop has input or a signal to handle */
  #sleepUntil(ns: number, inputFd: number): boolean {
    const blindNs = this.#blind.size > 0 ? BLIND_POLL_NS : Number.POSITIVE_INFINITY;
    const woken = this.#watch.wait(Math.min(ns - this.#clock.now(), blindNs), inputFd);
    this.#reapEnded();
    return woken;
  }

  #reapEnded(): void {
    if (this.#alive.size === 0) return;
    do {
      const lookNs = this.#clock.now();
      const n = this.#watch.ended(this.#ended);
      for (let i = 0; i < n; i++) this.#reap(this.#ended[i] as number);
      if (!this.#watch.more) {
        for (const pid of this.#blind) this.#reap(pid);
        this.#lastLookNs = lookNs;
      }
    } while (this.#watch.more);
  }

  #reap(pid: number): void {
    const row = this.#alive.get(pid);
    const ended = row === undefined ? null : reap(pid);
    if (row === undefined || ended === null) return;
    this.#watch.remove(pid);
    this.#blind.delete(pid);
    this.#alive.delete(pid);
    this.#note(row, ended);
  }

  #note(row: number, ended: Readonly<ChildUsage>): void {
    const arrays = this.columns.arrays;
    arrays.exitedFromNs[row] = Math.max(this.#lastLookNs, arrays.spawnedFromNs[row] as number);
    arrays.exitedByNs[row] = this.#clock.now();
    arrays.status[row] = ended.status;
    arrays.killed[row] = this.#killing && (ended.status & 0x7f) === constants.signals.SIGKILL ? 1 : 0;
    arrays.userUs[row] = ended.userUs;
    arrays.systemUs[row] = ended.systemUs;
    arrays.maxRssKib[row] = ended.maxRssKib;
    arrays.minorFaults[row] = ended.minorFaults;
    arrays.majorFaults[row] = ended.majorFaults;
  }

  async #drain(control: LoopControl, untilNs: number): Promise<void> {
    while (this.#alive.size > 0 && control.request !== "abort") {
      const nowNs = this.#clock.now();
      if (nowNs >= untilNs) return;
      this.#sleepUntil(Math.min(untilNs, nowNs + TURN_NS), STDIN_FD);
      await eventLoopTurn();
    }
  }

  async #killAll(): Promise<void> {
    this.#killing = true;
    // The children are not reaped, so the kernel cannot have given their pids to other processes.
    for (const pid of this.#alive.keys()) kill(pid, constants.signals.SIGKILL);
    const untilNs = this.#clock.now() + KILL_WAIT_NS;
    while (this.#alive.size > 0 && this.#clock.now() < untilNs) {
      // Not STDIN_FD: if the input has ended, it is always ready.
      this.#sleepUntil(this.#clock.now() + TURN_NS, -1);
      await eventLoopTurn();
    }
  }

  /** Kills the children that still run. */
  [Symbol.dispose](): void {
    for (const pid of this.#alive.keys()) kill(pid, constants.signals.SIGKILL);
    this.#watch[Symbol.dispose]();
    this.#spawner[Symbol.dispose]();
  }
}

/** Gives the event loop one turn, with I/O and signals, which takes about 1 µs. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The clock of the truth. */
export const TRUTH_CLOCK = CLOCK.boottime;
