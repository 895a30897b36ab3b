import { AnswerTime } from "../api/answer-time.ts";
import type { Reported } from "../api/commands.ts";
import type { ShownGroups } from "../api/group-metrics.ts";
import { ProcessAnswers } from "../api/process-answers.ts";
import { RateHistory, type RateReading } from "../api/rate-history.ts";
import { Recent } from "../api/recent.ts";
import { type ApiServer, startApi } from "../api/server.ts";
import type { ApiSource, Facts, ProcessQuery } from "../api/source.ts";
import type { SocketOwner } from "../api/unix-socket.ts";
import { UpTime } from "../api/up-time.ts";
import { log } from "../config/log.ts";
import type { Identity } from "../process/identity.ts";
import { readHidepid } from "../procfs/hidepid.ts";
import { boottimeNs, ownCpuNs } from "../sys/clock.ts";
import { onlineCpus } from "../sys/cpus.ts";
import { groupNamed } from "../sys/privileges.ts";
import type { DetailLevel } from "../wire/detail-level.ts";
import { intervalsAt } from "./pace.ts";
import type { RunParts } from "./run-parts.ts";
import { resumePreference, yieldPreference } from "./thread-priority.ts";

/** A request makes linnix read the rings first, unless it has read them within this time, ms. */
const REFRESH_MS = 50;
/** If events do not report every process, a request makes linnix list all processes, at most this often, ms. */
const SCAN_MS = 1000;

/** A run as the source of the API's answers. */
export class RunSource implements ApiSource {
  /** While linnix answers, this thread has the priority of ordinary processes. */
  readonly answerTime = new AnswerTime(ownCpuNs, { begins: yieldPreference, ends: resumePreference });
  readonly #run: RunParts;
  readonly #identity: Identity;
  readonly #answers: ProcessAnswers;
  readonly #upTime = new UpTime(process.uptime() * 1000, {
    wallMs: () => Date.now(),
    bootMs: () => boottimeNs() / 1e6,
  });
  readonly #recent: Recent<"events" | "cpuUs">;
  readonly #history: RateHistory;
  #lookedMs = 0;

  constructor(run: RunParts, identity: Identity) {
    this.#run = run;
    this.#identity = identity;
    this.#answers = new ProcessAnswers(run.collector.table, identity, (slot) => run.collector.passes(slot));
    this.#recent = new Recent(() => {
      const { fork, exec, exit } = run.collector.received;
      return { events: fork + exec + exit, cpuUs: ownCpuNs() / 1e3 };
    });
    this.#history = new RateHistory(this.#rateReading());
  }

  get generation(): number {
    return this.#run.collector.table.generation;
  }

  get levels(): ReadonlySet<DetailLevel> {
    return this.#run.collector.backend.detail.levels;
  }

  get reported(): Reported {
    const { collector, config } = this.#run;
    return { detail: collector.backend.detail.level, types: config.probes.events };
  }

  refresh(when?: "at once"): void {
    if (when !== "at once" && performance.now() - this.#lookedMs < REFRESH_MS) return;
    this.#run.collector.drain();
    this.#run.collector.scanAgain(when === "at once" ? 0 : SCAN_MS);
    this.#run.collector.checkImages();
    this.answerTime.begin();
  }

  flushed(): void {
    this.#lookedMs = performance.now();
    if (this.#recent.tick()) this.#history.add(this.#rateReading(), Date.now());
    this.#identity.flushed();
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

  /** Uses the counts of the kernel side, because they are complete at every level of detail. */
  #rateReading(): RateReading {
    const { fork, exec, exit } = this.#run.collector.counts().seen;
    const inKernelNs = this.#run.spending?.inKernelNs ?? null;
    return { ms: performance.now(), fork, exec, exit, cpuNs: ownCpuNs(), inKernelNs };
  }

  groups(): ShownGroups | null {
    const { groups: reports } = this.#run.collector;
    if (!reports) return null;
    reports.update();
    return reports.groups;
  }

  facts(): Facts {
    const { phase, config, collector, output, spending, lastReload } = this.#run;
    const { table, backend, samplingSource } = collector;
    const { user, system } = process.cpuUsage();
    const cpuUsPerSecond = this.#recent.perSecond("cpuUs");
    const level = spending?.samplingLevel ?? 0;
    const inKernelNs = spending?.inKernelNs ?? null;
    const caches = { cgroups: this.#identity.stats(), ...this.#identity.accountStats() };
    return {
      collecting: phase === "watching" || phase,
      startedMs: this.#upTime.startedMs,
      uptimeMs: this.#upTime.ms,
      backend: backend.name,
      detail: backend.detail.level,
      missingFields: backend.missingFields,
      conditions: collector.conditions.active,
      sampling: samplingSource && { source: samplingSource, intervalMs: intervalsAt(level, config).sampleMs },
      counters: this.#run.counters(),
      ringCpus: onlineCpus(),
      rings: collector.ringPeaks,
      writtenBytes: output?.writtenBytes ?? 0,
      reload: lastReload ?? { isGood: true, lastGoodMs: this.#upTime.startedMs },
      storms: { begun: collector.storms.begun, active: collector.storms.active, rate: backend.stormLimit.rate },
      wakeups: collector.wakeups,
      outOfOrder: collector.outOfOrder,
      history: this.#history.entries,
      eventsPerSecond: this.#recent.perSecond("events"),
      live: table.live,
      lingering: table.lingering,
      lostExits: table.lostExits,
      tableBytes: table.bytes,
      caches: Object.entries(caches).map(([name, stats]) => ({ name, ...stats })),
      lostMoves: this.#identity.lostMoves,
      userCpuS: user / 1e6,
      systemCpuS: system / 1e6,
      answeringCpuS: this.answerTime.ns / 1e9,
      cpuPct: cpuUsPerSecond === null ? null : cpuUsPerSecond / 1e4,
      inKernelCpuPct: spending?.budget.inKernelPct ?? null,
      inKernelCpuS: inKernelNs === null ? null : inKernelNs / 1e9,
      budget: spending?.facts ?? null,
    };
  }
}

/**
 * Starts the HTTP API. Import this file only if the API is on, because code that is not loaded takes no memory.
 * @param socketOwner owner of a Unix socket: the account that this process switches to; undefined if it does not switch
 * @throws LinnixError if linnix cannot listen at that address
 */
export async function openApi(
  run: RunParts,
  identity: Identity,
  listen: string,
  socketOwner: SocketOwner | undefined,
): Promise<ApiServer> {
  const { api: settings, redaction } = run.config;
  const { socketGroup } = settings;
  const owner = socketGroup === null ? socketOwner : sharedOwner(socketGroup, socketOwner?.uid);
  const api = await startApi({ ...settings, listen, socketOwner: owner }, new RunSource(run, identity));
  if (api.isOpenToAll && !redaction.redact) warnOfHidepid(readHidepid());
  return api;
}

function sharedOwner(group: string, uid = process.geteuid?.() ?? 0): SocketOwner {
  return { uid, gid: groupNamed(group), isShared: true };
}

/** Warns that every account of this machine can read command lines from the API, although /proc hides them. */
function warnOfHidepid(hidepid: string | null): void {
  if (hidepid === null) return;
  log.warn(
    `every account can read command lines from the API, although /proc is mounted with hidepid=${hidepid} to hide them\n` +
      "listen at unix:PATH, set --api-token-file, or hide them with --redact",
  );
}
