/**
 * What a scan of CPU time and memory of all processes costs: in the kernel by the task iterator, and by reading /proc.
 *
 * `sudo bun bench/sampling.ts [--processes 500] [--rounds 80] [--json]`, about a minute. Each round runs all methods in
 * a random order. The bench compares the user and system CPU time of this process. It includes the iterator's program,
 * which runs within read(2).
 */
import { openSync, readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Sleepers } from "../src/compare/sleepers.ts";
import { WallClock } from "../src/json/wall-clock.ts";
import { EventView } from "../src/process/event-view.ts";
import { openProcessLister } from "../src/process/live-processes.ts";
import { ProcessTable } from "../src/process/table.ts";
import { ProcSampler } from "../src/sampling/proc-sampler.ts";
import { ProcessWalkSampler } from "../src/sampling/process-walk-sampler.ts";
import type { Sampler } from "../src/sampling/sampler.ts";
import { Sampling } from "../src/sampling/sampling.ts";
import { TaskIteratorSampler } from "../src/sampling/task-iterator-sampler.ts";
import { JsonlSink } from "../src/sinks/jsonl.ts";
import { Output } from "../src/sinks/output.ts";
import { Prng } from "../src/stats/prng.ts";
import { median, quantile } from "../src/stats/quantile.ts";
import { ownCpuNs, realtimeOffsetNs } from "../src/sys/clock.ts";

const { values } = parseArgs({
  options: {
    processes: { type: "string", default: "500" },
    rounds: { type: "string", default: "80" },
    json: { type: "boolean", default: false },
  },
});
const processes = Number(values.processes);
const rounds = Number(values.rounds);
/** Pause between two scans. After it, the caches are like those of a reader that scans once a second, not in a loop. */
const PAUSE_MS = 15;
/** Rounds that do not count, until the runtime has compiled the code. */
const WARM_UP = 15;
/** Number of processes that run a little all the time, so that each scan has something to report. */
const BUSY = 5;

using scope = new DisposableStack();
await using sleepers = await Sleepers.start(processes, new AbortController().signal);
for (let i = 0; i < BUSY; i++) {
  const busy = Bun.spawn(["perl", "-e", "select(undef, undef, undef, 0.004) while 1"]);
  scope.defer(() => busy.kill("SIGKILL"));
}

/** A scan and everything that collect does with its samples: the table, and the lines of the events. */
function whole(sampler: Sampler): () => void {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const lister = scope.use(openProcessLister());
  lister.list((record) => void table.seed(record));
  const sink = new JsonlSink(Output.of(openSync("/dev/null", "w")));
  const sampling = scope.use(
    new Sampling(sampler, {
      view: new EventView(table, new WallClock(realtimeOffsetNs())),
      drain() {},
      wants: () => true,
      sample: (view) => {
        sink.write(view);
        return true;
      },
    }),
  );
  return () => {
    sampling.sweep();
    sink.flush();
  };
}

/** The usual way: every file is opened, read as text, and split into fields. */
function plainProc(): number {
  let sum = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      sum += Number(fields[11]) + Number(fields[12]) + Number(fields[17]) + Number(fields[21]);
    } catch {
      // The process has ended.
    }
  }
  return sum;
}

const sweepOf = (sampler: Sampler) => {
  scope.use(sampler);
  return () => void sampler.sweep(() => {});
};
const ways = {
  "sweep, walk": sweepOf(new ProcessWalkSampler()),
  "sweep, task storage": sweepOf(TaskIteratorSampler.withTaskStorage()),
  "sweep, map": sweepOf(TaskIteratorSampler.withMap(8192)),
  "/proc, files kept open": sweepOf(new ProcSampler()),
  "/proc, read and split": () => void plainProc(),
  "sweep, table and events": whole(new ProcessWalkSampler()),
  "/proc, table and events": whole(new ProcSampler()),
} as const;
type Way = keyof typeof ways;

const names = Object.keys(ways) as Way[];
const costs = new Map<Way, number[]>(names.map((name) => [name, []]));
const prng = new Prng(1);
for (let round = -WARM_UP; round < rounds; round++) {
  const order = [...names];
  for (let i = order.length - 1; i > 0; i--) {
    const j = prng.index(i + 1);
    [order[i], order[j]] = [order[j] as Way, order[i] as Way];
  }
  for (const name of order) {
    Bun.sleepSync(PAUSE_MS);
    const before = ownCpuNs();
    ways[name]();
    const us = (ownCpuNs() - before) / 1000;
    if (round >= 0) costs.get(name)?.push(us);
  }
}

const of = (name: Way) => costs.get(name) as number[];
/** The ratio of each round, because a temporary slowdown of the machine affects both methods. */
const ratio = (dear: Way, cheap: Way) => of(dear).map((us, round) => us / (of(cheap)[round] as number));
const ratios = {
  "/proc, files kept open : sweep": ratio("/proc, files kept open", "sweep, walk"),
  "/proc, read and split : sweep": ratio("/proc, read and split", "sweep, walk"),
  "the same, with table and events": ratio("/proc, table and events", "sweep, table and events"),
  "/proc, read and split : sweep with table and events": ratio("/proc, read and split", "sweep, table and events"),
};
const spread = (figures: number[]) => ({
  median: median(figures),
  p25: quantile(figures, 0.25),
  p75: quantile(figures, 0.75),
});
const running = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;

if (values.json) {
  console.log(
    JSON.stringify({
      sleepers: sleepers.count,
      running,
      rounds,
      us: Object.fromEntries(names.map((name) => [name, spread(of(name))])),
      ratios: Object.fromEntries(Object.entries(ratios).map(([name, figures]) => [name, spread(figures)])),
    }),
  );
} else {
  const row = (name: string, figures: number[], digits: number) => {
    const { median, p25, p75 } = spread(figures);
    const [middle, low, high] = [median, p25, p75].map((figure) => figure.toFixed(digits).padStart(8));
    console.log(`${name.padEnd(52)} ${middle}  [${low}, ${high}]`);
  };
  console.log(`${running} processes, ${sleepers.count} of them asleep; ${rounds} rounds; median and quartiles`);
  console.log("\nCPU time of one look at all, µs");
  for (const name of names) row(name, of(name), 0);
  console.log("\ntimes as dear");
  for (const [name, figures] of Object.entries(ratios)) row(name, figures, 1);
}
