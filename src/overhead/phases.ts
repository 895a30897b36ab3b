import { enableRunTimeStats } from "../bpf/bpf-stats.ts";
import { priceRunTimeStats } from "../bpf/bpf-stats-price.ts";
import { causeOf, LinnixError } from "../errors.ts";
import { runWorkload, type WorkloadHandle } from "../workload/run-workload.ts";
import type { WorkloadResult } from "../workload/workload-result.ts";
import { addCaptures, CaptureCheck, noCapture } from "./capture.ts";
import { measureCold } from "./cold-start.ts";
import { CollectorSubject, CollectorSwitch, RunningCollector } from "./collector-subject.ts";
import { sampleOf } from "./figures.ts";
import type { Problem } from "./ledger.ts";
import { type Measured, measureWindows, type TimedWindow } from "./measure-windows.ts";
import { Meter, programsBetween } from "./meter.ts";
import type { OverheadOptions } from "./options.ts";
import { PHASE_WORDS, type PhaseName, type Plan } from "./plan.ts";
import type { RawRun, RawWindow, RawWorkload } from "./raw.ts";
import { countsOf, rawWorkload, spawnedBetween } from "./raw-workload.ts";
import type { SampleFigures } from "./result.ts";
import { sleep } from "./sleep.ts";
import { runNoiseRounds, runSlowdownPhase, switchingProblem } from "./slowdown-phase.ts";
import { followOutput } from "./steps/follow-output.ts";
import type { OutputDelays } from "./steps/output-delay.ts";
import { timeReading } from "./steps/reading.ts";
import { timeRingWrites } from "./steps/ring-write.ts";
import type { RunningSubject, Subject, SubjectSwitch } from "./subject.ts";

/** Receives the progress of the measuring. */
export interface PhaseListener {
  phase(name: PhaseName): void;
  sample(sample: SampleFigures): void;
  note(text: string): void;
}

/** The measured data, and what could not be measured. */
export interface Outcome {
  raw: RawRun;
  problems: Problem[];
  /** Why the test ended early; null if it did not. */
  incomplete: string | null;
  /** The subject's processes. */
  pids: readonly number[];
}

const NOT_REACHED = "the test ended before this step";
const NO_COLLECTOR = "the subject is not linnix's own collector";
const NO_LINE = "the output got no line of an event";

/** The workload runs for this much longer than the last window, ms, so that all of every window has load. */
const TAIL_MS = 200;

/** The subject ended by itself, so nothing more can be measured. */
class SubjectEnded extends Error {
  override readonly name = "SubjectEnded";
}

/** Measures everything, phase by phase. */
export class Phases {
  readonly #options: OverheadOptions;
  readonly #plan: Plan;
  readonly #subject: Subject;
  readonly #listener: PhaseListener;
  readonly #signal: AbortSignal;
  readonly #beganNs = Bun.nanoseconds();
  readonly #raw: RawRun = {
    windows: [],
    programs: null,
    statistics_price: null,
    load: null,
    cold: null,
    kernel_memory: null,
    workloads: [],
    capture: null,
    output: null,
    counts: null,
    noise: null,
    slowdown: [],
    slowdown_counts: null,
    ring_write: { not_measured: NOT_REACHED },
    reading: { not_measured: NOT_REACHED },
    output_delay: { not_measured: NOT_REACHED },
  };
  readonly #windows: TimedWindow[] = [];
  readonly #workloads: WorkloadResult[] = [];
  readonly #problems: Problem[] = [];
  #phase: PhaseName = "noise";
  #incomplete: string | null = null;
  #pids: readonly number[] = [];

  constructor(options: OverheadOptions, plan: Plan, subject: Subject, listener: PhaseListener, signal: AbortSignal) {
    this.#options = options;
    this.#plan = plan;
    this.#subject = subject;
    this.#listener = listener;
    this.#signal = signal;
    if (plan.steps === null) {
      const notMeasured = { not_measured: NO_COLLECTOR };
      Object.assign(this.#raw, { ring_write: notMeasured, reading: notMeasured, output_delay: notMeasured });
    }
  }

  /** Runs all phases; an abort ends them early. @throws LinnixError if the subject or the workload cannot run */
  async run(): Promise<Outcome> {
    try {
      await this.#measureNoise();
      await this.#measureBaseline();
      await this.#measureCold();
      await this.#measureSubject();
      await this.#measureSlowdown();
      await this.#timeSteps();
    } catch (error) {
      if (!this.#signal.aborted && !(error instanceof SubjectEnded)) throw error;
    }
    if (this.#signal.aborted) {
      this.#incomplete = `${this.#signal.reason} came during ${PHASE_WORDS[this.#phase]}`;
    }
    return { raw: this.#raw, problems: this.#problems, incomplete: this.#incomplete, pids: this.#pids };
  }

  #begin(phase: PhaseName): void {
    this.#phase = phase;
    this.#listener.phase(phase);
  }

  async #measureNoise(): Promise<void> {
    this.#begin("noise");
    try {
      this.#raw.statistics_price = priceRunTimeStats();
    } catch {
      // `statistics_price` stays null.
    }
    this.#raw.noise = await runNoiseRounds(this.#plan.noiseMs, this.#options.seed, this.#signal);
    this.#signal.throwIfAborted();
  }

  async #measureBaseline(): Promise<void> {
    const { baselineMs, intervalMs } = this.#plan;
    if (baselineMs === 0) return;
    this.#begin("baseline");
    using meter = new Meter(null, false);
    const windows = Math.max(Math.round(baselineMs / intervalMs), 1);
    await this.#measure(meter, { phase: "baseline", rate: null }, windows, baselineMs / windows);
    this.#signal.throwIfAborted();
  }

  /** Starts fresh collectors for the cold start, because the judged collector is measured warm. */
  async #measureCold(): Promise<void> {
    const { coldMs, leadInMs, rate } = this.#plan;
    if (coldMs === 0 || !(this.#subject instanceof CollectorSubject)) return;
    this.#begin("cold");
    this.#raw.cold = await measureCold({
      subject: this.#subject,
      durationMs: coldMs,
      leadOutMs: leadInMs,
      workload: { profile: this.#options.profile, rate, seed: this.#options.seed },
      signal: this.#signal,
    });
    this.#signal.throwIfAborted();
  }

  async #measureSubject(): Promise<void> {
    this.#begin("start");
    await using running = await this.#subject.start(this.#signal);
    this.#pids = running.roots;
    this.#raw.load = running.load && { elapsed_ns: running.load.elapsedNs, cpu_ns: running.load.cpuNs };
    let delays: OutputDelays | null = null;
    try {
      await this.#watch(running);
      if (running instanceof RunningCollector) delays = await this.#tryToFollowOutput(running);
    } finally {
      await running.stop();
      if (running instanceof RunningCollector) this.#readOutput(running, delays);
    }
    this.#signal.throwIfAborted();
  }

  async #watch(running: RunningSubject): Promise<void> {
    using statistics = this.#enableStatistics();
    using meter = new Meter({ kind: this.#subject.kind, running }, statistics !== null);
    await this.#warmUp(meter, running);
    this.#begin("workload");
    const { rate, durationMs, intervalMs } = this.#plan;
    const windows = Math.max(Math.round(durationMs / intervalMs), 1);
    const measured = await this.#underWorkload(meter, running, {
      phase: "workload",
      rate,
      windows,
      windowMs: durationMs / windows,
    });
    this.#raw.programs = programsBetween(measured.first, measured.last);
    this.#raw.kernel_memory = meter.kernelMemory();
    this.#check(running);
    this.#begin("sweep");
    for (const step of this.#plan.sweep) {
      await this.#underWorkload(meter, running, { phase: "sweep", ...step });
      this.#check(running);
    }
  }

  /** Measures one window, which begins once the subject watches. */
  async #warmUp(meter: Meter, running: RunningSubject): Promise<void> {
    this.#begin("warm-up");
    const { rate, durationMs } = this.#plan.warmUp;
    await using workload = runWorkload({
      mix: [{ program: "true", share: 1 }],
      rate,
      durationMs,
      seed: this.#options.seed,
    });
    await workload.start();
    const windowMs = durationMs;
    const { windows } = await this.#measure(meter, { phase: "warm-up", rate }, 1, windowMs);
    await this.#end(workload, "warm-up", windows);
    this.#check(running);
  }

  /** Waits for the end of a workload, and stores its results in the raw data and in `windows`. */
  async #end(workload: WorkloadHandle, phase: RawWorkload["phase"], windows: readonly TimedWindow[]): Promise<void> {
    const result = await (this.#signal.aborted ? workload.stop() : workload.done);
    this.#workloads.push(result);
    this.#raw.workloads.push(rawWorkload(phase, result));
    for (const { raw, fromNs, toNs } of windows) raw.spawned = spawnedBetween(result, fromNs, toNs);
  }

  /** Enables the statistics of BPF programs until disposed of; null if that is not possible. */
  #enableStatistics(): Disposable | null {
    try {
      return enableRunTimeStats();
    } catch (error) {
      if (!(error instanceof LinnixError)) throw error;
      this.#fail("in-kernel", causeOf(error));
      return null;
    }
  }

  #fail(part: Problem["part"], why: string): void {
    this.#problems.push({ part, why });
    this.#listener.note(why);
  }

  #check(running: RunningSubject): void {
    this.#signal.throwIfAborted();
    const problem = running.problem();
    if (problem === null) return;
    this.#fail("subject", `${this.#subject.name} did not run to the end: ${problem}`);
    throw new SubjectEnded();
  }

  /** Measures windows under a workload of that rate. It begins before the first window and ends after the last one. */
  async #underWorkload(
    meter: Meter,
    running: RunningSubject,
    step: { phase: "workload" | "sweep"; rate: number; windows: number; windowMs: number },
  ): Promise<Measured> {
    const { leadInMs } = this.#plan;
    const { phase, rate, windows, windowMs } = step;
    const onWindow = (window: TimedWindow): boolean => {
      running.tend?.();
      if (phase === "workload") this.#listener.sample(sampleOf(window.raw));
      return running.problem() === null;
    };
    const measure = async (): Promise<Measured> => {
      await sleep(leadInMs, this.#signal);
      return this.#measure(meter, { phase, rate }, windows, windowMs, onWindow);
    };
    if (rate === 0) return measure();
    await using workload = runWorkload({
      profile: this.#options.profile,
      rate,
      durationMs: leadInMs + windows * windowMs + TAIL_MS,
      seed: this.#options.seed,
    });
    await workload.start();
    const measured = await measure();
    if (running.problem() !== null) void workload.stop();
    await this.#end(workload, phase, measured.windows);
    return measured;
  }

  async #measure(
    meter: Meter,
    place: Pick<RawWindow, "phase" | "rate">,
    windows: number,
    windowMs: number,
    onWindow?: (window: TimedWindow) => boolean,
  ): Promise<Measured> {
    const measured = await measureWindows({
      meter,
      place,
      windows,
      windowMs,
      runBeganNs: this.#beganNs,
      signal: this.#signal,
      ...(onWindow && { onWindow }),
    });
    this.#windows.push(...measured.windows);
    this.#raw.windows.push(...measured.windows.map(({ raw }) => raw));
    return measured;
  }

  /** Null if the workload cannot run. That is no error, because the claim does not depend on this timing. */
  async #tryToFollowOutput(collector: RunningCollector): Promise<OutputDelays | null> {
    try {
      return await this.#followOutput(collector);
    } catch (error) {
      if (!(error instanceof LinnixError) || this.#signal.aborted) throw error;
      this.#raw.output_delay = { not_measured: causeOf(error) };
      return null;
    }
  }

  /** Follows the collector's output under the workload's rate. It runs after all windows have been measured. */
  async #followOutput(collector: RunningCollector): Promise<OutputDelays> {
    this.#begin("output");
    const { outputMs, leadInMs, flushMs, rate } = this.#plan;
    const { profile, seed } = this.#options;
    await using workload = runWorkload({ profile, rate, durationMs: outputMs, seed });
    // The last events reach the output up to one flush interval later, or two if the collector is above its CPU budget.
    const restMs = leadInMs + (flushMs ?? 0);
    const delays = await followOutput({ workload, collector, forMs: outputMs, restMs, signal: this.#signal });
    await this.#end(workload, "output", []);
    this.#check(collector);
    return delays;
  }

  /** Compares the collector's output with the workloads. It runs after all measurements of that collector. */
  #readOutput(collector: RunningCollector, delays: OutputDelays | null): void {
    const check = new CaptureCheck();
    for (const line of collector.lines()) {
      check.add(line);
      delays?.add(line);
    }
    if (delays !== null) {
      this.#raw.output_delay = delays.result(this.#plan.flushMs ?? 0) ?? { not_measured: NO_LINE };
    }
    if (this.#workloads.length > 0) {
      this.#raw.capture = this.#workloads.map(({ truth }) => check.check(truth)).reduce(addCaptures, noCapture());
    }
    for (const { raw, fromNs, toNs } of this.#windows) {
      if (raw.phase !== "baseline") raw.events = check.eventsBetween(fromNs, toNs);
    }
    this.#raw.output = check.output;
    this.#raw.counts = countsOf(check);
    if (this.#raw.counts === null) this.#fail("output", "the collector ended before it wrote its summary");
    if (check.broken > 0) this.#fail("capture", `${check.broken} lines of the collector's output are not JSON`);
  }

  /** Runs last, so that no other figure includes what this process compiles and allocates for it. */
  async #timeSteps(): Promise<void> {
    const { steps, rate } = this.#plan;
    if (steps === null) return;
    this.#signal.throwIfAborted();
    this.#begin("steps");
    const signal = this.#signal;
    this.#raw.ring_write = await timeRingWrites(signal);
    this.#raw.reading = await timeReading({ ...steps, rate, signal });
  }

  async #measureSlowdown(): Promise<void> {
    const { slowdownMs } = this.#plan;
    if (this.#subject.openSwitch === null || slowdownMs === 0) return;
    this.#begin("slowdown");
    await using stack = new AsyncDisposableStack();
    let toggle: SubjectSwitch;
    try {
      toggle = stack.use(await this.#subject.openSwitch(this.#signal));
      this.#raw.slowdown = await runSlowdownPhase({
        toggle,
        budgetMs: slowdownMs,
        seed: this.#options.seed,
        signal: this.#signal,
      });
    } catch (error) {
      if (!(error instanceof LinnixError)) throw error;
      this.#fail("slowdown", causeOf(error));
      return;
    }
    if (!(toggle instanceof CollectorSwitch)) return;
    await toggle.stop();
    const check = new CaptureCheck();
    for (const line of toggle.collector.lines()) check.add(line);
    const counts = countsOf(check);
    this.#raw.slowdown_counts = counts;
    const problem =
      counts === null ? "the collector did not count what it saw" : switchingProblem(this.#raw.slowdown, counts);
    if (problem !== null && !this.#signal.aborted) this.#fail("slowdown", problem);
  }
}
