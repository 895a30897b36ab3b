/** CPU and memory that could not be reported are counted, in the summary, in /status and in /metrics. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { constants, openSync } from "node:fs";
import { join } from "node:path";
import { Sleepers } from "../../src/compare/sleepers.ts";
import { WallClock } from "../../src/json/wall-clock.ts";
import { EventView } from "../../src/process/event-view.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { BestSampler } from "../../src/sampling/best-sampler.ts";
import { ProcSampler } from "../../src/sampling/proc-sampler.ts";
import { ProcessWalkSampler } from "../../src/sampling/process-walk-sampler.ts";
import type { Sampler } from "../../src/sampling/sampler.ts";
import { Sampling } from "../../src/sampling/sampling.ts";
import { realtimeOffsetNs } from "../../src/sys/clock.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { noSamples, SAMPLE_LOSS_NAMES, type SampleCounters, type SampleLoss } from "../../src/wire/counters.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { MemoryCgroup } from "./support/memory-cgroup.ts";
import { reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { useWorkers } from "./support/workers.ts";

setDefaultTimeout(120_000);

const reason = whyNoBtf();

const place = useWorkers(reason);

const ARGS = ["--format", "jsonl", "--flush-interval", "20ms", "--sample-interval", "50ms", "--cpu-budget", "0"];
/** Groups are off: each scrape would read thousands of processes for them. */
const OPEN = ["--listen", "127.0.0.1:0", "--ring-size", "4MiB", "--metrics-groups=false"];

/** The counts of samples of a run in /status, compared with /metrics. */
async function samplesOf(
  run: CollectRun,
): Promise<{ status: SampleCounters; metrics: Omit<SampleCounters, "emitted"> }> {
  const url = await until("its address", () => /answering at (\S+)/.exec(run.stderr)?.[1]);
  const text = await (await fetch(new URL("/metrics", url))).text();
  const { samples } = (await (await fetch(new URL("/status", url))).json()) as { samples: SampleCounters };
  const metric = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1]);
  const lost = SAMPLE_LOSS_NAMES.map(
    (reason) => [reason, metric(`linnix_lost_samples_total\\{reason="${reason}"\\}`)] as const,
  );
  const threads_not_summed = metric("linnix_threads_not_summed_total");
  const losses = Object.fromEntries(lost) as Record<SampleLoss, number>;
  return { status: samples, metrics: { ...losses, threads_not_summed } };
}

/** Requests both answers until the loss is in both. */
async function lossOf(run: CollectRun, which: SampleLoss, meanwhile = async () => {}) {
  for (let tries = 0; tries < 100; tries++) {
    const { status, metrics } = await samplesOf(run);
    if (metrics[which] > 0) {
      expect(status[which]).toBeGreaterThanOrEqual(metrics[which]);
      return status;
    }
    await meanwhile();
    await Bun.sleep(50);
  }
  throw new Error(`no ${which} was told of`);
}

describe.skipIf(reason !== null)(titled("samples that are not emitted", reason), () => {
  test("dropped_output_full: the output is full", async () => {
    const fifo = join(place.directory, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    // The reader has opened the pipe, but does not read yet.
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    await using run = await CollectRun.start([...ARGS, ...OPEN, "--output", fifo]);
    const busy = await place.program.start("spin");
    const status = await lossOf(run, "dropped_output_full", async () => {
      for (let i = 0; i < 20; i++) Bun.spawnSync(["true"]);
    });
    busy.end();
    const read = new Response(Bun.file(reader).stream()).text();
    run.child.kill("SIGTERM");
    const summary = JSON.parse((await read).trim().split("\n").at(-1) ?? "") as { samples: SampleCounters };
    expect(await run.child.exited).toBe(0);
    expect(summary.samples.dropped_output_full).toBeGreaterThanOrEqual(status.dropped_output_full);
  });

  test("no sample is dropped if a thread other than the main thread executes", async () => {
    await using run = await CollectRun.start([...ARGS, ...OPEN]);
    const worker = await place.program.start("exec-aside");
    const samples = () => (run.others as { type: string; pid: number }[]).filter(({ pid }) => pid === worker.pid);
    await until("its first sample", () => samples().length > 0);
    await worker.exec();
    const { length } = samples();
    await until("samples again", () => samples().length > length + 1);
    worker.end();
    const { summary, others } = await run.stop();
    expect(summary.samples.baseline_missing).toBe(0);
    expect(summary.samples.emitted).toBe(others.filter(({ type }) => type === "sample").length);
  });

  const cgroup = reason === null ? MemoryCgroup.mount() : null;
  const noCgroup = reasonOf(cgroup === null && "needs the memory controller of cgroups", Sleepers.objection(2000));
  test.skipIf(noCgroup !== null)(
    titled("dropped_no_memory: the kernel may take no more memory for linnix", noCgroup),
    async () => {
      using memory = new MemoryCgroup();
      await using run = await CollectRun.start([...ARGS, ...OPEN], { before: memory.enter });
      // Memory of its maps still counts in that cgroup; the process itself needs memory.
      memory.release(run.pid);
      await using crowds = new AsyncDisposableStack();
      const status = await lossOf(run, "dropped_no_memory", async () => {
        memory.squeeze();
        crowds.use(await Sleepers.start(200, new AbortController().signal));
      });
      const { summary } = await run.stop();
      expect(summary.samples.dropped_no_memory).toBeGreaterThanOrEqual(status.dropped_no_memory);
    },
  );
});

describe.skipIf(reason !== null)(titled("counts of sampling", reason), () => {
  /** The counts of two scans of this machine. */
  function countsOf(sampler: Sampler, wants = () => true) {
    const view = new EventView(new ProcessTable({ lingerNs: 1e9 }), new WallClock(realtimeOffsetNs()));
    const counts = noSamples();
    using sampling = new Sampling(sampler, { view, drain() {}, wants, sample: () => true }, counts);
    for (let i = 0; i < 2; i++) sampling.sweep();
    return counts;
  }

  /** A sampler whose source fails at its second scan, so that /proc takes over. */
  function refused(): Sampler {
    let sweeps = 0;
    const inner = new ProcessWalkSampler();
    const refusing: Sampler = {
      source: inner.source,
      sweep(each) {
        if (++sweeps > 1) throw new NativeError("bpf", 1);
        return inner.sweep(each);
      },
      [Symbol.dispose]: () => inner[Symbol.dispose](),
    };
    return new BestSampler([() => refusing, () => new ProcSampler()], () => {});
  }

  test("baseline_missing: counts running processes when another source takes over without their figures", () => {
    expect(countsOf(refused()).baseline_missing).toBeGreaterThan(1);
    expect(countsOf(new ProcessWalkSampler()).baseline_missing).toBe(0);
    // A process that is filtered out does not count.
    expect(countsOf(refused(), () => false).baseline_missing).toBe(0);
  });

  const tooMany = Sleepers.objection(2000);
  test.skipIf(tooMany !== null)(
    titled("left-out threads count once a scan, also if its records do not fit into one batch", tooMany),
    async () => {
      const [threads, maxThreads] = [600, 300];
      const worker = await place.program.start("crowd", threads);
      await using _ = await Sleepers.start(2000, new AbortController().signal);
      using sampler = new ProcessWalkSampler({ maxThreads });
      let records = 0;
      // The first scan reports all processes, the second only processes that ran since.
      const [first, second] = [sampler.sweep(() => records++).leftOutThreads, sampler.sweep(() => {}).leftOutThreads];
      worker.end();
      expect(records).toBeGreaterThan(2000);
      expect(second).toBeGreaterThanOrEqual(threads + 1 - maxThreads);
      expect(Math.abs(first - second)).toBeLessThan(threads + 1 - maxThreads);
    },
  );

  test("threads_not_summed: counts left-out threads of every scan", async () => {
    const worker = await place.program.start("threads", 3);
    const { threads_not_summed } = countsOf(new ProcessWalkSampler({ maxThreads: 2 }));
    worker.end();
    expect(threads_not_summed).toBeGreaterThanOrEqual(2 * 2);
    expect(countsOf(new ProcessWalkSampler()).threads_not_summed).toBe(0);
  });
});
