/** A simulated machine behind a real server: table and views are real, only the records are made up. */

import { AnswerTime } from "../../src/api/answer-time.ts";
import type { Reported } from "../../src/api/commands.ts";
import type { ShownGroups } from "../../src/api/group-metrics.ts";
import { ProcessAnswers } from "../../src/api/process-answers.ts";
import type { Names } from "../../src/api/process-json.ts";
import { type ApiOptions, type ApiServer, startApi } from "../../src/api/server.ts";
import type { ApiSource, Facts } from "../../src/api/source.ts";
import { Books } from "../../src/groups/books.ts";
import { GroupSlots } from "../../src/groups/group-slots.ts";
import { labelOf } from "../../src/groups/label.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { Group } from "../../src/totals/group.ts";
import type { Counters, PageFaultCounters } from "../../src/wire/counters.ts";
import type { DetailLevel } from "../../src/wire/detail-level.ts";
import { COUNTED_TYPES } from "../../src/wire/event.ts";
import { recordIn } from "../../src/wire/record.ts";
import { TotalsMemory } from "../totals/memory.ts";
import { argumentBytes, EXEC_KNOWN, execRecord, exitRecord, forkRecord, pathComponents } from "../wire/make-record.ts";

const START_NS = 1_700_000_000_000_000_000n;

export const NAMES: Names = {
  userName: (uid) => (uid === 0 ? "root" : uid === 33 ? "www-data" : null),
  groupName: (gid) => (gid === 0 ? "root" : null),
  of: () => ({ cgroup: "/system.slice/cron.service", container: null, pod_uid: null, unit: "cron.service" }),
};

/** Counts of the machine. */
export const COUNTERS: Counters = {
  seen: { fork: 15, exec: 2, exit: 1 },
  filtered: { fork: 5, exec: 0, exit: 0 },
  suppressed: { fork: 4, exec: 0, exit: 0 },
  folded: { fork: 2, exec: 0, exit: 0 },
  emitted: { fork: 4, exec: 2, exit: 1 },
  received: { fork: 3, exec: 2, exit: 1 },
  skipped: { fork: 1, exec: 2, exit: 3 },
  lost: 1,
  lost_by_type: { fork: 1, exec: 0, exit: 0 },
  lost_by_reason: { ring_full: 1, no_ring: 0 },
  lost_by_cpu: [{ cpu: 1, lost: 1 }],
  unwritten: { lines: 8, bytes: 800, by_type: { fork: 0, exec: 5, exit: 3, sample: 0, page_fault: 0, other: 0 } },
  page_faults: null,
  samples: {
    emitted: 7,
    dropped_output_full: 3,
    dropped_no_memory: 4,
    baseline_missing: 5,
    threads_not_summed: 6,
  },
  threads: { started: 5, exited: 4 },
  unexplained_forks: 2,
};

/** Counts of page faults: two were lost for each reason. */
export const PAGE_FAULTS: PageFaultCounters = {
  seen: 102,
  suppressed: 70,
  emitted: 32,
  received: 28,
  skipped: 6,
  lost: 4,
  lost_by_reason: { ring_full: 2, no_ring: 2 },
};

/** Groups of a machine in which one process of a unit ended after 3 ms. */
export function madeUpGroups(): ShownGroups {
  const slots = new GroupSlots({ max: 4, graceNs: 1e9 });
  const memory = new TotalsMemory(4);
  const figures = { started: 2, execs: 1, exited_ok: 1, cpu_user_ns: 2e9, cpu_system_ns: 1e9, after_exit_ns: 5e8 };
  memory.add(0, { ...figures, read_bytes: 4096, lifetime_ns: 3e6, lifetimes: { 11: 1 } });
  const group = Group.read(new Uint32Array(memory.bytes), 0);
  const row = slots.rowOf(labelOf({ unit: "a.service", container: null }, ""), null, 0);
  row.add(group, 0);
  row.countLive(8192, 0);
  row.settle();
  return { slots, books: new Books(() => true), byComm: false, knowsExits: true };
}

export class MadeUpSource implements ApiSource {
  readonly table = new ProcessTable({ lingerNs: 1e12 });
  readonly view = new EventView(this.table, new WallClock(START_NS));
  readonly answerTime = new AnswerTime(() => 0);
  readonly #answers = new ProcessAnswers(this.table, NAMES);
  /** A start time above 2^53. */
  #tsNs = 10_000_000_000_000_001n;
  /** Overrides of its status. */
  told: Partial<Facts> = {};
  shownGroups: ShownGroups | null = null;
  refreshes = 0;
  /** Number of lists made instead of read from a cache. */
  lists = 0;

  reported: Reported = { detail: "events", types: COUNTED_TYPES };
  levels: ReadonlySet<DetailLevel> = new Set<DetailLevel>(["events"]);

  get generation(): number {
    return this.table.generation;
  }

  /** A record that waits in the rings; the next reading of the rings that is not too early processes it. */
  waiting: (() => void) | undefined;

  refresh(when?: "at once"): void {
    this.refreshes++;
    if (when !== "at once") return;
    this.waiting?.();
    this.waiting = undefined;
  }

  flushed(): void {}

  processes(query: Parameters<ApiSource["processes"]>[0]) {
    this.lists++;
    return this.#answers.list(query);
  }

  process(pid: number) {
    return this.#answers.one(pid);
  }

  graph(pid: number) {
    return this.#answers.graph(pid);
  }

  fork(pid: number, ppid: number, comm = "sh", uid = 0): EventView {
    this.#tsNs += 1000n;
    const head = { pid, ppid, comm, uid, gid: 0, ts_ns: this.#tsNs, start_ns: this.#tsNs };
    this.view.accept(recordIn(forkRecord(head)));
    return this.view;
  }

  exec(pid: number, comm: string, args: string[] = [comm]): EventView {
    const image = { flags: EXEC_KNOWN, exe: pathComponents(`/usr/bin/${comm}`), args: argumentBytes(...args) };
    this.view.accept(recordIn(execRecord({ ...this.#known(pid), comm, ...image })));
    return this.view;
  }

  exit(pid: number, status = 0): EventView {
    this.view.accept(recordIn(exitRecord({ ...this.#known(pid), status })));
    return this.view;
  }

  groups(): ShownGroups | null {
    return this.shownGroups;
  }

  facts(): Facts {
    const { table } = this;
    return {
      collecting: true,
      startedMs: 1_790_000_000_000,
      uptimeMs: 12_345.6,
      backend: "btf",
      detail: "events",
      missingFields: [],
      conditions: new Map(),
      sampling: { source: "task-iterator", intervalMs: 1000 },
      counters: COUNTERS,
      ringCpus: [0, 1],
      rings: { peakFill: 0.25, peakDelayS: 1.5 },
      writtenBytes: 4096,
      reload: { isGood: true, lastGoodMs: 1_790_000_000_500 },
      storms: { begun: 3, active: 1, rate: 13_107 },
      wakeups: 2,
      outOfOrder: 0,
      eventsPerSecond: 12.34,
      history: [
        {
          time: "2026-09-21T15:06:40.000Z",
          seconds: 10.1,
          fork: 200,
          exec: 199.5,
          exit: 200,
          cpu_pct: 0.4,
          in_kernel_cpu_pct: null,
        },
      ],
      live: table.live,
      lingering: table.lingering,
      lostExits: table.lostExits,
      tableBytes: table.bytes,
      caches: [{ name: "cgroup", hits: 9, misses: 1, evictions: 0, entries: 1 }],
      lostMoves: 2,
      userCpuS: 0.5,
      systemCpuS: 0.25,
      answeringCpuS: 0.0625,
      cpuPct: 0.123456,
      inKernelCpuPct: 0.05,
      inKernelCpuS: 0.125,
      budget: { level: 0, step: "as_set", costPct: 0.2, budgetPct: 1 },
      ...this.told,
    };
  }

  /** The header of its next record. */
  #known(pid: number) {
    const { table } = this;
    const slot = table.find(pid);
    this.#tsNs += 1000n;
    return {
      pid,
      ppid: table.ppid(slot) ?? 0,
      comm: table.comm(slot),
      uid: table.uid(slot),
      gid: table.gid(slot),
      ts_ns: this.#tsNs,
      start_ns: (BigInt(table.startHigh(slot)) << 32n) | BigInt(table.startLow(slot)),
    };
  }
}

export const OPTIONS: ApiOptions = {
  listen: "127.0.0.1:0",
  tokenFile: null,
  allowOrigins: [],
  maxClients: 4,
  historyEvents: 1000,
  historyBytes: 16 * 1024 * 1024,
  cpuBudgetPct: 5,
  heartbeatMs: 60_000,
};

/** A server over a source with a few processes: 1 → 10 → 20 → 30, and 40 of another user. */
export async function startMadeUp(
  options: Partial<ApiOptions> = {},
): Promise<{ api: ApiServer; source: MadeUpSource; url: (path: string) => string } & AsyncDisposable> {
  const source = new MadeUpSource();
  source.fork(1, 0, "systemd");
  source.fork(10, 1);
  source.exec(10, "cron", ["/usr/sbin/cron", "-f"]);
  source.fork(20, 10);
  source.fork(30, 20);
  source.fork(40, 1, "nginx", 33);
  const api = await startApi({ ...OPTIONS, ...options }, source);
  return {
    api,
    source,
    url: (path) => new URL(path, api.url).href,
    [Symbol.asyncDispose]: () => api.close(),
  };
}
