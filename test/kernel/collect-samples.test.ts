/** Samples of `collect`: of which processes, when, and at which position in the stream. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { parseEvent } from "../wire/parse-event.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { programPath, reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { asNobody } from "./support/places.ts";
import type { Worker } from "./support/sampling-worker.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";
import { useWorkers } from "./support/workers.ts";

setDefaultTimeout(60_000);

const reason = whyNoBtf();
const MIB = 2 ** 20;
const FLUSH = ["--flush-interval", "50ms", "--ring-size", "4MiB"];

interface Line {
  type: string;
  pid: number;
  ppid: number;
  uid: number;
  cgroup_id: bigint;
  ts_ns: bigint;
  cpu_pct: number;
  rss_bytes: number;
  threads: number;
  cpu_user_ns: bigint;
  cpu_system_ns: bigint;
  comm: string;
}

const place = useWorkers(reason);

/** A run whose lines can be read while it runs, in the order of writing. */
class LineRun implements AsyncDisposable {
  static #runs = 0;
  readonly #file = join(place.directory, `events-${++LineRun.#runs}.jsonl`);
  #run: CollectRun | undefined;

  async start(...args: string[]): Promise<this> {
    this.#run = await CollectRun.start(["--format", "jsonl", ...FLUSH, "--output", this.#file, ...args]);
    return this;
  }

  get pid(): number {
    return this.#run?.pid ?? 0;
  }

  lines(): Line[] {
    const whole = readFileSync(this.#file, "utf8").split("\n").slice(0, -1);
    return whole.map((line) => parseEvent(line) as unknown as Line);
  }

  samplesOf(pid: number): Line[] {
    return this.lines().filter((line) => line.type === "sample" && line.pid === pid);
  }

  async end(): Promise<Line[]> {
    this.#run?.child.kill("SIGTERM");
    await this.#run?.child.exited;
    expect(this.#run?.child.exitCode).toBe(0);
    return this.lines();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run?.[Symbol.asyncDispose]();
  }
}

describe.skipIf(reason !== null)(titled("samples", reason), () => {
  for (const [what, interval] of [
    ["with a flush", "100ms"],
    ["apart from flushes", "70ms"],
  ] as const) {
    test(`${what}: come between fork and exit of a running process, and add up to its CPU time`, async () => {
      await using run = await new LineRun().start("--sample-interval", interval);
      const worker = await place.program.start("threads", 2);
      const idle = await place.program.start("threads", 0);
      await until("it to sleep", () => readProcStat(idle.pid)?.state === "S");
      const asleepNs = BigInt(Math.ceil(boottimeNs()));
      // Only samples with all threads count: they start and end one by one, which is slow on a busy machine.
      const ofAll = await until("samples", () => {
        const samples = run.samplesOf(worker.pid).filter(({ threads, ts_ns }) => threads === 3 && ts_ns > asleepNs);
        return samples.length >= 5 && samples;
      });
      worker.end();
      idle.end();
      await until("the exits", () =>
        [worker, idle].every(({ pid }) => run.lines().some((line) => line.type === "exit" && line.pid === pid)),
      );
      const lines = await run.end();
      const story = lines.filter(({ pid }) => pid === worker.pid);
      const types = story.map(({ type }) => type);
      expect([types[0], types.at(-1)]).toEqual(["fork", "exit"]);
      expect(types.lastIndexOf("exec")).toBeGreaterThan(0);
      expect(ofAll.at(-1)).toMatchObject({ ppid: process.pid, threads: 3, comm: "worker" });
      expect(ofAll.at(-1)?.rss_bytes).toBeGreaterThan(64 * 1024);
      // Each sample covers the time since the scan before, which need not have reported this process.
      const samples = lines.filter(({ type }) => type === "sample");
      const sweepsNs = samples.filter(({ pid }) => pid === run.pid).map(({ ts_ns }) => Number(ts_ns));
      const exit = story.at(-1) as Line;
      let usedNs = 0;
      for (const { ts_ns, cpu_pct } of samples.filter(({ pid }) => pid === worker.pid)) {
        // Each scan samples linnix first, because it is older.
        const [before = 0, now = before] = sweepsNs.filter((sweepNs) => sweepNs <= Number(ts_ns)).slice(-2);
        usedNs += (cpu_pct / 100) * (now - before);
      }
      expect(usedNs).toBeGreaterThan(0);
      expect(usedNs).toBeLessThanOrEqual(1.1 * Number(exit.cpu_user_ns + exit.cpu_system_ns) + 30e6);
      // A process that only sleeps is reported once at most, for what it did before it slept.
      const ofIdle = samples.filter(({ pid, ts_ns }) => pid === idle.pid && ts_ns > asleepNs);
      expect(ofIdle.length).toBeLessThanOrEqual(1);
      // Samples are not part of the balance.
      const summary = lines.at(-1) as unknown as { received: object; emitted: object };
      expect(Object.keys(summary.received)).toEqual(["fork", "exec", "exit"]);
    });
  }

  test("the first scan reports no process that started before the run", async () => {
    const worker = await place.program.start("threads", 0);
    await using run = await new LineRun().start("--sample-interval", "50ms");
    await until("sweeps", () => new Set(run.samplesOf(run.pid).map(({ ts_ns }) => ts_ns)).size >= 3);
    expect(run.samplesOf(worker.pid)).toEqual([]);
    worker.end();
  });

  test("--sample-interval 0: no process is sampled", async () => {
    await using run = await new LineRun().start("--sample-interval", "0");
    const worker = await place.program.start("spin");
    await Bun.sleep(300);
    worker.end();
    const lines = await run.end();
    expect(lines.filter(({ type }) => type === "sample")).toEqual([]);
  });

  test("--pid and --comm filter samples, --events does not", async () => {
    await using run = await new LineRun().start(
      "--events",
      "exit",
      "--sample-interval",
      "50ms",
      "--pid",
      `${process.pid}`,
    );
    await using named = await new LineRun().start("--sample-interval", "50ms", "--comm", "worker");
    const worker = await place.program.start("spin");
    await until("samples", () => run.samplesOf(worker.pid).length >= 2 && named.samplesOf(worker.pid).length >= 2);
    worker.end();
    const ours = new Set([process.pid]);
    for (const line of await run.end()) {
      if (line.type !== "sample") continue;
      if (ours.has(line.ppid)) ours.add(line.pid);
      expect(ours).toContain(line.pid);
    }
    expect(new Set((await named.end()).filter(({ type }) => type === "sample").map(({ comm }) => comm))).toEqual(
      new Set(["worker"]),
    );
  });

  /** Lets all workers run until each wanted worker has three samples, and returns every sample. */
  async function samplesOf(run: LineRun, wanted: Worker[], others: Worker[]): Promise<Line[]> {
    await until("samples", () => wanted.every(({ pid }) => run.samplesOf(pid).length >= 3));
    for (const worker of [...wanted, ...others]) worker.end();
    return (await run.end()).filter(({ type }) => type === "sample");
  }

  const noSetpriv = reasonOf(programPath("setpriv") === null && "needs setpriv");
  test.skipIf(noSetpriv !== null)(titled("--uid: only that user's processes are sampled", noSetpriv), async () => {
    await using run = await new LineRun().start("--sample-interval", "50ms", "--uid", "65534");
    const ours = await place.program.start("spin");
    const nobodys = await place.program.startAs(asNobody(), "spin");
    const samples = await samplesOf(run, [nobodys], [ours]);
    expect(new Set(samples.map(({ uid }) => uid))).toEqual(new Set([65534]));
    // A process that root started changes to uid 65534: its present owner counts.
    const before = await place.program.start("spin");
    await using after = await new LineRun().start("--sample-interval", "50ms", "--uid", "0", "--comm", "worker");
    const other = await place.program.startAs(asNobody(), "spin");
    const told = new Set((await samplesOf(after, [before], [other])).map(({ pid }) => pid));
    expect([told.has(before.pid), told.has(other.pid)]).toEqual([true, false]);
  });

  const mount = cgroup2Mount();
  const noCgroup = reasonOf(mount === undefined && "the cgroup v2 hierarchy is not mounted");
  test.skipIf(noCgroup !== null)(
    titled("--cgroup: only processes in that cgroup and below it are sampled", noCgroup),
    async () => {
      await using cgroup = new TestCgroup(mount ?? "");
      const inner = cgroup.make("wanted", "inner");
      const wanted = cgroup.make("wanted");
      const beside = cgroup.make("beside");
      const start = (path: string) => place.program.startAs(inCgroups(cgroup.directory(path)), "spin");
      const first = await start(inner);
      await using run = await new LineRun().start("--sample-interval", "50ms", "--cgroup", wanted);
      const outside = [await place.program.start("spin"), await start(beside)];
      // A cgroup that is made during the run belongs to the subtree as well.
      const late = cgroup.make("wanted", "late");
      const inside = [first, await start(wanted), await start(late)];
      const samples = await samplesOf(run, inside, outside);
      expect(new Set(samples.map(({ cgroup_id }) => cgroup_id))).toEqual(
        new Set([wanted, inner, late].map((path) => cgroup.id(path))),
      );
      const pids = new Set(samples.map(({ pid }) => pid));
      for (const { pid } of outside) expect(pids).not.toContain(pid);
    },
  );

  test("--rss-threshold: a sleeping process is sampled only if its memory changed by more than the threshold", async () => {
    await using run = await new LineRun().start("--sample-interval", "50ms", "--rss-threshold", "8MiB");
    // Truncating a file changes the memory of each process that maps it.
    const mapped = async (name: string) => {
      const path = join(place.directory, name);
      writeFileSync(path, Buffer.alloc(16 * MIB));
      return { path, worker: await place.program.start("map", path) };
    };
    const [small, large] = [await mapped("small"), await mapped("large")];
    const sweeps = () => new Set(run.samplesOf(run.pid).map(({ ts_ns }) => ts_ns)).size;
    const moreSweeps = async () => {
      const before = sweeps();
      await until("sweeps", () => sweeps() > before + 3);
    };
    await moreSweeps();
    const { pid } = large.worker;
    const count = run.samplesOf(small.worker.pid).length;
    // A worker is also below that size while it starts and maps its file.
    const earlier = run.samplesOf(pid).length;
    truncateSync(small.path, 12 * MIB);
    truncateSync(large.path, 4 * MIB);
    const isSmaller = ({ rss_bytes }: { rss_bytes: number }) => rss_bytes < 12 * MIB;
    const last = await until("its sample", () => run.samplesOf(pid).slice(earlier).find(isSmaller));
    expect(last).toMatchObject({ comm: "worker", cpu_pct: 0, threads: 1 });
    await moreSweeps();
    expect(run.samplesOf(small.worker.pid)).toHaveLength(count);
    for (const { worker } of [small, large]) worker.end();
  });
});
