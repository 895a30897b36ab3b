import { AnswerTime } from "../api/answer-time.ts";
import { ProcessAnswers } from "../api/process-answers.ts";
import type { Names } from "../api/process-json.ts";
import { Recent } from "../api/recent.ts";
import type { ApiSource, CacheFacts, Facts, ProcessQuery, ReloadFacts } from "../api/source.ts";
import { UpTime } from "../api/up-time.ts";
import { ownCpuNs } from "../procfs/own-cpu.ts";
import { boottimeNs } from "../sys/clock.ts";
import { type Unwritten, UnwrittenCount } from "../wire/unwritten.ts";
import type { Collector } from "./collector.ts";
import { onlineCpus } from "./online-cpus.ts";
import { resumePreference, yieldPreference } from "./thread-priority.ts";

/** What the answers come from, beside the collector. */
export interface CollectorSourceParts {
  collector: Collector;
  names: Names;
  /** Bounded caches of names. */
  caches?(): CacheFacts[];
  /** Called after each drain of the rings. */
  flushed?(): void;
  /** See `Facts`. */
  lostMoves?(): number | null;
  /** Null: sampling is off. */
  sampling(): { source: "task-iterator" | "proc"; intervalMs: number } | null;
  /** Null: there is no budget. */
  budget?(): { level: number; costPct: number | null; budgetPct: number } | null;
  /** Of the BPF programs: % of one core lately, and ns so far; null: not known. */
  inKernelCpuPct?(): number | null;
  inKernelNs?(): number | null;
  /** See `Facts`. */
  unwritten?(): Unwritten;
  /** Bytes that the output has taken so far. */
  writtenBytes?(): number;
  /** Null: the configuration was read at the start only. */
  reload?(): ReloadFacts | null;
  /** Whether it has begun to collect, and not ended yet. */
  collecting(): Facts["collecting"];
}

/** Rings are looked at for an answer where the last look is older than this, ms. */
const REFRESH_MS = 50;

/** A running collector as what the API asks. */
export class CollectorSource implements ApiSource {
  /** Answering has no more priority than the clients have. */
  readonly answerTime = new AnswerTime(ownCpuNs, { begins: yieldPreference, ends: resumePreference });
  readonly #parts: CollectorSourceParts;
  readonly #answers: ProcessAnswers;
  readonly #upTime = new UpTime(process.uptime() * 1000, {
    wallMs: () => Date.now(),
    bootMs: () => boottimeNs() / 1e6,
  });
  readonly #recent: Recent<"events" | "cpuUs">;
  #lookedMs = 0;

  constructor(parts: CollectorSourceParts) {
    this.#parts = parts;
    this.#answers = new ProcessAnswers(parts.collector.table, parts.names);
    this.#recent = new Recent(() => {
      const { fork, exec, exit } = parts.collector.received;
      return { events: fork + exec + exit, cpuUs: ownCpuNs() / 1e3 };
    });
  }

  get generation(): number {
    return this.#parts.collector.table.generation;
  }

  refresh(when?: "at once"): void {
    if (when !== "at once" && performance.now() - this.#lookedMs < REFRESH_MS) return;
    this.#parts.collector.drain();
    this.#parts.collector.checkImages();
    this.answerTime.begin();
  }

  flushed(): void {
    this.#lookedMs = performance.now();
    this.#recent.tick();
    this.#parts.flushed?.();
  }

  processes(query: ProcessQuery): Uint8Array<ArrayBuffer> {
    return this.#answers.list(query);
  }

  process(pid: number): Uint8Array<ArrayBuffer> | null {
    return this.#answers.one(pid);
  }

  graph(pid: number): Uint8Array<ArrayBuffer> | null {
    return this.#answers.graph(pid);
  }

  facts(): Facts {
    const { collector, ...parts } = this.#parts;
    const { table, backend } = collector;
    const { user, system } = process.cpuUsage();
    const cpuUsPerSecond = this.#recent.perSecond("cpuUs");
    const inKernelNs = parts.inKernelNs?.() ?? null;
    return {
      collecting: parts.collecting(),
      startedMs: this.#upTime.startedMs,
      uptimeMs: this.#upTime.ms,
      backend: backend.name,
      missingFields: backend.missingFields,
      conditions: collector.conditions.active,
      sampling: parts.sampling(),
      counters: { ...collector.counters(), unwritten: parts.unwritten?.() ?? new UnwrittenCount().counts },
      ringCpus: onlineCpus(),
      rings: collector.ringPeaks,
      writtenBytes: parts.writtenBytes?.() ?? 0,
      reload: parts.reload?.() ?? { isGood: true, lastGoodMs: this.#upTime.startedMs },
      wakeups: collector.wakeups,
      outOfOrder: collector.outOfOrder,
      eventsPerSecond: this.#recent.perSecond("events"),
      live: table.live,
      lingering: table.lingering,
      lostExits: table.lostExits,
      tableBytes: table.bytes,
      caches: parts.caches?.() ?? [],
      lostMoves: parts.lostMoves?.() ?? null,
      userCpuS: user / 1e6,
      systemCpuS: system / 1e6,
      answeringCpuS: this.answerTime.ns / 1e9,
      cpuPct: cpuUsPerSecond === null ? null : cpuUsPerSecond / 1e4,
      inKernelCpuPct: parts.inKernelCpuPct?.() ?? null,
      inKernelCpuS: inKernelNs === null ? null : inKernelNs / 1e9,
      budget: parts.budget?.() ?? null,
    };
  }
}
