import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveAuto } from "../config/load.ts";
import { defaultSettings, printSettings } from "../config/print.ts";
import { type CollectConfig, SECTION_LIST, type Settings } from "../config/schema.ts";
import { cannotRunError } from "../errors.ts";
import { Child } from "../sys/child.ts";
import { processCpuClockId, readClockNs } from "../sys/clock.ts";
import type { PrivateFolder } from "../sys/private-folder.ts";
import { selfCommand } from "../workload/self-command.ts";
import { failureOf, tryCollector } from "../workload/trial.ts";
import { ScratchFile } from "./scratch-file.ts";
import type { RunningSubject, Subject, SubjectSwitch } from "./subject.ts";

/** Begin of the line that `collect` logs once its probes are attached. */
const WATCHING = "watching by the ";
const SETTINGS_FILE = "settings.toml";
/** A faster switch is cheap. BTF tracepoints attach in less than 1 ms; classic ones wait for RCU grace periods. */
const CHEAP_SWITCH_MS = 20;
const TRIES = 3;

/** What a test judges: the cost with every event, or the effect of the limits on storms and detail. */
export type Judged = "every-event" | "limits";

/** The settings in force, without those that the test decides: what `collect` watches, its output and its end. */
export function subjectSettings(inForce: Settings, judged: Judged = "every-event"): Settings {
  const usual = defaultSettings();
  return {
    ...inForce,
    output: { format: "jsonl", file: null },
    filters: usual.filters,
    probes: { ...inForce.probes, events: usual.probes.events },
    run: { ...inForce.run, durationMs: 0 },
    // For "every-event", neither the budget nor a storm may reduce the number of events.
    budget: judged === "limits" ? inForce.budget : { ...inForce.budget, floor: usual.budget.floor, stormRate: 0 },
    // A second collector cannot listen at the same address, and has no clients.
    api: { ...inForce.api, listen: null },
    // The check compares arguments word by word, so nothing may be redacted.
    redaction: usual.redaction,
    log: { level: "info" },
  };
}

/** The command line of `linnix collect` with an option for each setting that differs from its default. */
export function collectCommandText(settings: Settings): string {
  const usual = defaultSettings() as unknown as Record<string, Record<string, unknown>>;
  const words = ["linnix", "collect"];
  for (const [name, { keys }] of SECTION_LIST) {
    const values = (settings as unknown as Record<string, Record<string, unknown>>)[name] ?? {};
    for (const [property, key] of Object.entries(keys)) {
      const value = values[property];
      if (value === null || value === undefined || JSON.stringify(value) === JSON.stringify(usual[name]?.[property])) {
        continue;
      }
      if (typeof value === "boolean") words.push(value ? `--${key.flag}` : `--${key.flag}=false`);
      else words.push(`--${key.flag}`, [key.type.toToml(value)].flat().join(","));
    }
  }
  return words.join(" ");
}

/** linnix's own collector: this program, started as a user starts it, with JSON lines to a file. */
export class CollectorSubject implements Subject {
  readonly kind = "linnix";
  readonly name = "linnix collect";
  readonly command: string;
  readonly flushMs: number;
  readonly #folder: PrivateFolder;
  readonly #settingsPath: string;

  /** @param folder receives the configuration file */
  constructor(inForce: Settings, folder: PrivateFolder, judged: Judged = "every-event") {
    const settings = subjectSettings(inForce, judged);
    const resolved: CollectConfig = resolveAuto(settings, { stdoutIsTty: false });
    this.#folder = folder;
    this.#settingsPath = join(folder.path, SETTINGS_FILE);
    writeFileSync(this.#settingsPath, printSettings(settings, resolved, new Map()), { flag: "wx", mode: 0o600 });
    this.command = collectCommandText(settings);
    this.flushMs = resolved.ring.flushIntervalMs;
  }

  async check(): Promise<void> {
    const error = await tryCollector(["--config", this.#settingsPath]);
    if (error !== null) throw error;
  }

  async start(signal: AbortSignal): Promise<RunningCollector> {
    return RunningCollector.start("collect", this.#settingsPath, this.#folder, signal);
  }

  openSwitch = async (signal: AbortSignal): Promise<CollectorSwitch> => {
    const collector = await RunningCollector.start("__collect", this.#settingsPath, this.#folder, signal);
    const toggle = new CollectorSwitch(collector, signal);
    try {
      await toggle.tryOut();
      return toggle;
    } catch (error) {
      await collector.stop();
      throw error;
    }
  };
}

/** A running collector and what it has written. */
export class RunningCollector implements RunningSubject {
  readonly roots: readonly number[];
  readonly load: { elapsedNs: number; cpuNs: number | null };
  readonly programIds = [];
  readonly child: Child;
  readonly #output: ScratchFile;

  private constructor(child: Child, output: ScratchFile, load: RunningCollector["load"]) {
    this.child = child;
    this.#output = output;
    this.roots = [child.pid];
    this.load = load;
  }

  static async start(
    command: "collect" | "__collect",
    settingsPath: string,
    folder: PrivateFolder,
    signal: AbortSignal,
  ): Promise<RunningCollector> {
    signal.throwIfAborted();
    const output = new ScratchFile(folder);
    let child: Child | undefined;
    try {
      const began = Bun.nanoseconds();
      child = new Child({
        argv: selfCommand(command, "--config", settingsPath, "--no-color"),
        // The configuration file has every setting. Child starts it without the settings of the environment.
        stdin: command === "__collect" ? "pipe" : "ignore",
        stdout: output.fd,
        stderr: "pipe",
        stopSignal: "SIGTERM",
        deathSignal: "KILL",
      });
      const watching = await child.hear(WATCHING, { signal });
      const elapsedNs = Bun.nanoseconds() - began;
      signal.throwIfAborted();
      if (!watching) throw failureOf(child.said, child);
      const clock = processCpuClockId(child.pid);
      const cpuNs = clock === null ? null : readClockNs(clock);
      return new RunningCollector(child, output, { elapsedNs, cpuNs: cpuNs === null ? null : Number(cpuNs) });
    } catch (error) {
      await child?.stop();
      output[Symbol.dispose]();
      throw error;
    }
  }

  problem(): string | null {
    const problem = this.child.problem();
    const lines = this.child.said.trimEnd().split("\n");
    // A hint is an indented line that belongs to the line before it.
    const words = lines.findLast((line) => !/^\s/.test(line)) ?? "";
    return problem === null || words === "" ? problem : `${problem}: ${words}`;
  }

  /** Length of its output so far. */
  get outputBytes(): number {
    return this.#output.bytes;
  }

  /** Lines of its output. The output is complete after `stop`. */
  lines(): Generator<string> {
    return this.#output.lines();
  }

  stop(): Promise<void> {
    return this.child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#output[Symbol.dispose]();
  }
}

/** A collector that detaches its probes and attaches them again. */
export class CollectorSwitch implements SubjectSwitch {
  readonly collector: RunningCollector;
  readonly #signal: AbortSignal;
  #switchMs = Number.POSITIVE_INFINITY;

  constructor(collector: RunningCollector, signal: AbortSignal) {
    this.collector = collector;
    this.#signal = signal;
  }

  get isCheap(): boolean {
    return this.#switchMs < CHEAP_SWITCH_MS;
  }

  /** Switches it on and off a few times, and stores the shortest time of a switch. It is off afterwards. */
  async tryOut(): Promise<void> {
    await this.arm(false);
    for (let tries = 0; tries < TRIES; tries++) {
      const began = performance.now();
      await this.arm(true);
      await this.arm(false);
      this.#switchMs = Math.min(this.#switchMs, (performance.now() - began) / 2);
    }
  }

  async arm(on: boolean): Promise<void> {
    const { child } = this.collector;
    if (!child.ended) {
      await child.send(on ? "attach" : "detach");
      if (await child.hear(on ? "attached" : "detached", { signal: this.#signal })) return;
    }
    // After an abort the collector is stopped soon, so its state does not matter.
    if (this.#signal.aborted) return;
    throw cannotRunError("subject-ended", {
      what: `the collector did not ${on ? "attach" : "detach"} its probes`,
      why: this.problem() ?? undefined,
    });
  }

  problem(): string | null {
    return this.collector.problem();
  }

  stop(): Promise<void> {
    return this.collector.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.collector[Symbol.asyncDispose]();
  }
}
