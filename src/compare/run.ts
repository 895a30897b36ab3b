import { cannotRunError, LinnixError } from "../errors.ts";
import { printable } from "../json/printable.ts";
import type { TimedPlace } from "../measure/neighbour-slowdown.ts";
import type { Observer } from "../observers/observer.ts";
import { readHostFacts } from "../overhead/host.ts";
import { assertOwnProc } from "../overhead/pid-namespace.ts";
import { blockSchedule } from "../stats/schedule.ts";
import { FOLDER_PREFIXES, PrivateFolder } from "../sys/private-folder.ts";
import { assertKnownClock } from "../sys/time-namespace.ts";
import { VERSION } from "../version.ts";
import { armsOf, methodsNamed } from "./arms.ts";
import { type ArmState, frontierOf, growthOf, livedOf, othersOf, rowOf } from "./figures.ts";
import { EventGrowth, type GrowthStep, measureAt } from "./growth.ts";
import { type CompareOptions, ORDINARY_SHARE } from "./options.ts";
import { type ComparePlan, planCompare } from "./plan.ts";
import { intervalText } from "./report/notation.ts";
import type { CompareReport } from "./report/report.ts";
import { takeHome } from "./sentence.ts";
import { runSession, type Session, timeSpawns } from "./session.ts";
import type { SessionSetting } from "./session-setting.ts";
import { Sleepers } from "./sleepers.ts";
import { SpawnTimer } from "./spawn-timer.ts";

/** One step of a comparison: a method's turn, or a method among sleeping processes. */
export interface CompareStep {
  /** Such as `ps every 1 s, round 1 of 2`. */
  name: string;
  /** Approximate duration. */
  seconds: number;
}

export interface CompareHooks {
  /** Ends the comparison. Its reason is the name of the process signal, such as SIGINT. */
  signal: AbortSignal;
  /** Called once, before the first step. */
  onPlanned(steps: readonly CompareStep[]): void;
  onStep(name: string): void;
  onWarning(text: string): void;
}

/** Usual number of steps of a warm-up. */
const USUAL_STEPS = 5;

/** Number of unwatched places before the methods that leave traces. */
const CLEAN_PLACES = 3;

/**
 * Runs all methods on the same workload. If a signal interrupts it, the report names the signal and has everything that
 * was measured before. When it returns, everything that it started has ended.
 *
 * @throws LinnixError (usage) for an unknown method; (exit code 3) if no method could be measured
 */
export async function runCompare(options: CompareOptions, hooks: CompareHooks): Promise<CompareReport> {
  assertKnownClock("compare-with-polling");
  assertOwnProc("compare-with-polling");
  const plan = planCompare(options);
  const methods = methodsNamed(options.methods);
  const comparison = new Comparison(options, plan, methods, hooks);
  await comparison.run();
  return comparison.report();
}

class Comparison {
  readonly #options: CompareOptions;
  readonly #plan: ComparePlan;
  readonly #methods: readonly Observer[];
  readonly #hooks: CompareHooks;
  readonly #began = performance.now();
  readonly #started = new Date();
  #host: CompareReport["host"] | null = null;
  #states: ArmState[] = [];
  readonly #sessions: Session[] = [];
  readonly #places: TimedPlace[] = [];
  readonly #growth: GrowthStep[] = [];
  #growthReason: string | null = null;
  readonly #notes: string[] = [];

  constructor(options: CompareOptions, plan: ComparePlan, methods: readonly Observer[], hooks: CompareHooks) {
    this.#options = options;
    this.#plan = plan;
    this.#methods = methods;
    this.#hooks = hooks;
  }

  async run(): Promise<void> {
    const { signal } = this.#hooks;
    try {
      // First, because every method needs this folder.
      using folder = new PrivateFolder(FOLDER_PREFIXES.compare);
      this.#host = await readHostFacts();
      await this.#look();
      await using timer = await SpawnTimer.start();
      await this.#measure({ options: this.#options, plan: this.#plan, timer, tempDir: folder.path, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      // The report names the interruption. Any other error, such as a failed cleanup, must be reported as well.
      if (error !== signal.reason) this.#warn(describe(error));
    }
    if (!signal.aborted && this.#sessions.length === 0) throw this.#nothing();
  }

  report(): CompareReport {
    const { signal } = this.#hooks;
    const options = this.#options;
    const plan = this.#plan;
    const rows = this.#states.map((state) => rowOf(this.#reached(state), this.#sessions, this.#places));
    const slows = new Set(
      this.#states.filter(({ arm }) => arm.observer.inKernel === "ptrace").map(({ arm }) => arm.id),
    );
    const ordinary = this.#sessions.filter(({ arm }) => !slows.has(arm));
    const lives = ordinary.flatMap(({ lives }) => lives.map(({ livedMs }) => livedMs));
    const frontier = frontierOf(rows, lives);
    return {
      schema: "linnix.compare/1",
      version: VERSION,
      started: this.#started.toISOString(),
      duration_s: (performance.now() - this.#began) / 1000,
      complete: !signal.aborted,
      interrupted_by: signal.aborted ? String(signal.reason) : null,
      host: this.#host ?? UNKNOWN_HOST,
      options: {
        methods: this.#methods.map(({ name }) => name),
        interval_ms: options.intervalMs,
        rate: options.rate,
        duration_ms_per_method: plan.windowMs * plan.rounds,
        rounds: plan.rounds,
        lifetimes: options.lifetimes.map(({ lifetimeMs, share }) => ({ lifetime_ms: lifetimeMs, share })),
        processes: [...options.processes],
        quick: options.quick,
        force_audit: options.forceAudit,
        seed: options.seed,
      },
      workload: {
        spawned: this.#sessions.reduce((sum, { spawned }) => sum + spawned, 0),
        rate_asked: options.rate,
        rate_achieved:
          this.#sessions.length === 0
            ? null
            : this.#sessions.reduce((sum, { rateAchieved }) => sum + rateAchieved, 0) / this.#sessions.length,
        lifetimes_ms: options.lifetimes.map(({ lifetimeMs }) => lifetimeMs),
        lived_ms: livedOf(ordinary),
        others_per_second: othersOf(this.#sessions),
        ordinary_share: ORDINARY_SHARE,
      },
      take_home: takeHome(rows, frontier),
      rows,
      frontier,
      growth: growthOf(this.#growth, options.intervalMs, this.#growthReason),
      notes: this.#notes,
    };
  }

  /** Checks for each method whether it is available. */
  async #look(): Promise<void> {
    const { intervalMs, quick, forceAudit } = this.#options;
    for (const observer of this.#methods) {
      this.#hooks.signal.throwIfAborted();
      const availability = await observer.available({ forceAudit });
      const arms = armsOf([observer], intervalMs, quick);
      // For a method that is not available, one row has the reason.
      for (const arm of availability.ok ? arms : arms.slice(0, 1)) {
        this.#states.push({ arm, availability, problem: null });
      }
    }
    const isRoot = process.geteuid?.() === 0;
    if (!isRoot && this.#methods.some(({ name }) => name === "linnix")) {
      this.#warn("linnix itself needs root, so it is not compared: run this with sudo to include it");
    }
    if (!this.#states.some(({ availability }) => availability.ok)) throw this.#nothing();
  }

  async #measure(setting: SessionSetting): Promise<void> {
    const there = this.#states.filter(({ availability }) => availability.ok);
    // Methods that leave traces on the machine run after all others.
    const last = there.filter(({ arm }) => arm.observer.aftermath !== null);
    const ordinary = there.filter((state) => !last.includes(state));
    const growing = this.#methods.filter(
      ({ name, grows }) => grows && ordinary.some(({ arm }) => arm.observer.name === name),
    );
    const sizes = growing.length === 0 ? [] : this.#options.processes;
    const plan = this.#plan;
    const options = this.#options;
    const ids = ordinary.map(({ arm }) => arm.id);
    const schedule = ids.length === 0 ? [] : blockSchedule(ids, plan.rounds, { seed: options.seed, mirrored: false });
    const byId = new Map(there.map((state) => [state.arm.id, state]));
    const stateOf = (id: string): ArmState => byId.get(id) as ArmState;
    const turns = schedule.map((order) => order.map(stateOf));
    this.#hooks.onPlanned([
      ...turns.flatMap((states, round) => states.map((state) => this.#turnStep(state, round))),
      ...(["polling", "events"] as const).flatMap((kind) =>
        sizes.flatMap((size) =>
          growing.filter((method) => method.kind === kind).map(({ name }) => this.#growStep(name, size)),
        ),
      ),
      ...Array.from({ length: plan.rounds }, (_, round) => last.map((state) => this.#turnStep(state, round))).flat(),
    ]);
    // The first blocks run with cold caches, so they do not count.
    await timeSpawns(setting);
    await this.#rounds(turns, setting);
    await this.#grow(sizes, growing, setting);
    await this.#last(last, setting);
  }

  /** Runs every method in turn, in a random order for each round. Between two methods, spawns are timed unwatched. */
  async #rounds(turns: readonly (readonly ArmState[])[], setting: SessionSetting): Promise<void> {
    for (const [round, states] of turns.entries()) {
      for (const state of states) {
        if (round > 0 && this.#isLate(this.#plan.roundsUntilMs)) {
          this.#noteLate(round);
          continue;
        }
        await this.#unwatched("rounds", setting);
        await this.#turn(state, round, "rounds", setting);
      }
    }
    if (turns.length > 0) await this.#unwatched("rounds", setting);
  }

  async #last(states: readonly ArmState[], setting: SessionSetting): Promise<void> {
    if (states.length === 0) return;
    for (let place = 0; place < CLEAN_PLACES; place++) await this.#unwatched("last", setting);
    for (let round = 0; round < this.#plan.rounds; round++) {
      for (const state of states) await this.#turn(state, round, "last", setting);
    }
  }

  async #turn(state: ArmState, round: number, part: TimedPlace["part"], setting: SessionSetting): Promise<void> {
    const { arm } = state;
    this.#hooks.onStep(this.#turnStep(state, round).name);
    try {
      const session = await runSession(arm, round, setting);
      this.#sessions.push(session);
      if (session.spawnUs !== null) this.#places.push({ arm: arm.id, us: session.spawnUs, part });
    } catch (error) {
      if (setting.signal.aborted) throw error;
      state.problem = describe(error);
      this.#warn(`${arm.observer.name}: ${state.problem}`);
    }
  }

  #turnStep({ arm }: ArmState, round: number): CompareStep {
    const { rounds, leadMs, windowMs, eventLeadMs, eventWindowMs, warmUp } = this.#plan;
    const how = arm.intervalMs === null ? "" : ` every ${intervalText(arm.intervalMs)}`;
    const which = rounds > 1 ? `, round ${round + 1} of ${rounds}` : "";
    // 1.3 s for start, stop and timed spawns, and the time until the longest-lived processes have ended.
    const longestMs = Math.max(...this.#options.lifetimes.map(({ lifetimeMs }) => lifetimeMs));
    const eventMs = USUAL_STEPS * warmUp.stepMs + eventLeadMs + eventWindowMs;
    const turnMs = arm.observer.kind === "events" ? eventMs : leadMs + windowMs;
    const seconds = (turnMs + longestMs + 1300) / 1000;
    return { name: `${arm.observer.name}${how}${which}`, seconds };
  }

  #growStep(method: string, size: number): CompareStep {
    return { name: `${method} among ${size} sleeping processes`, seconds: this.#plan.growthWindowMs / 1000 + 0.8 };
  }

  async #unwatched(part: TimedPlace["part"], setting: SessionSetting): Promise<void> {
    const { us } = await timeSpawns(setting);
    if (us !== null) this.#places.push({ arm: null, us, part });
  }

  async #grow(sizes: readonly number[], methods: readonly Observer[], setting: SessionSetting): Promise<void> {
    const polling = methods.filter(({ kind }) => kind === "polling");
    if (sizes.length === 0) {
      this.#growthReason =
        this.#options.processes.length === 0
          ? "no number of processes was requested"
          : "none of the methods for it is available";
      return;
    }
    for (const size of sizes) {
      const objection = this.#isLate(this.#plan.growthUntilMs)
        ? "the time limit of the comparison is reached"
        : Sleepers.objection(size);
      if (objection !== null) {
        this.#growthReason = objection;
        this.#warn(`not measured among ${size} sleeping processes: ${objection}`);
        continue;
      }
      try {
        const onMethod = (name: string): void => this.#hooks.onStep(this.#growStep(name, size).name);
        this.#growth.push(await measureAt(size, polling, setting, onMethod));
      } catch (error) {
        if (setting.signal.aborted) throw error;
        this.#growthReason = describe(error);
        this.#warn(this.#growthReason);
      }
    }
    for (const method of methods) if (method.kind === "events") await this.#growEvents(method, setting);
  }

  /** Measures an event method at the numbers of processes in `#growth`, with one start and one warm-up for all. */
  async #growEvents(method: Observer, setting: SessionSetting): Promise<void> {
    let failure: string | null = null;
    try {
      await using growth = await EventGrowth.start(method, setting);
      for (const step of this.#growth) {
        this.#hooks.onStep(this.#growStep(method.name, step.sleeping).name);
        step.figures.push(await growth.at(step.sleeping));
      }
    } catch (error) {
      if (setting.signal.aborted) throw error;
      failure = describe(error);
    }
    if (failure === null) return;
    for (const { figures, failed } of this.#growth) {
      if (!figures.some((figure) => figure.method === method.name))
        failed.push({ method: method.name, reason: failure });
    }
  }

  #isLate(untilMs: number | null): boolean {
    return untilMs !== null && performance.now() - this.#began > untilMs;
  }

  #noteLate(round: number): void {
    const note = `The machine is slow: not every method ran in round ${round + 1}.`;
    if (!this.#notes.includes(note)) this.#notes.push(note);
  }

  /** The state of a row, with a problem if the run was interrupted before its first turn. */
  #reached(state: ArmState): ArmState {
    const had = this.#sessions.some(({ arm }) => arm === state.arm.id);
    if (had || state.problem !== null || !state.availability.ok) return state;
    return { ...state, problem: "the run was interrupted before its turn" };
  }

  #warn(text: string): void {
    this.#notes.push(text);
    this.#hooks.onWarning(text);
  }

  #nothing(): LinnixError {
    const first = this.#states.find(({ availability, problem }) => !availability.ok || problem !== null);
    const { availability, problem } = first ?? { availability: null, problem: null };
    const lack = availability !== null && !availability.ok ? availability : null;
    return cannotRunError("no-method", {
      what: "no method could be measured here",
      why: first === undefined ? undefined : `${first.arm.observer.name}: ${lack?.reason ?? problem}`,
      hint: lack?.hint ?? "see `linnix doctor`",
    });
  }
}

const UNKNOWN_HOST: CompareReport["host"] = {
  kernel: null,
  arch: null,
  cpus: null,
  cpu_model: null,
  btf: false,
  jit: null,
  virtualization: null,
  steal_pct: null,
  clocksource: null,
};

function describe(error: unknown): string {
  if (error instanceof SuppressedError) return `${describe(error.suppressed)}; and then ${describe(error.error)}`;
  if (error instanceof LinnixError) return printable([error.what, error.why].filter(Boolean).join(": "));
  return printable(error instanceof Error ? error.message : String(error));
}
