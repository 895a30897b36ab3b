/**
 * What the levels of detail cost per process, next to execsnoop and exitsnoop: own CPU time and BPF run time.
 *
 *   bun bench/levels.ts [--windows N] [--window S] [--warm S] [--rate N] [--linnix BINARY] [--before BINARY]
 *
 * All run at the same time, so the figures of each contain the same processes and the same noise. Windows with and
 * without the load alternate. The cost per process is the difference of two neighbouring windows, divided by the number
 * of the load's processes. Sampling is off. Printed: medians with the lowest and highest value, and for each window how
 * many times less a level costs than execsnoop and exitsnoop together. `merged` is `processes` in another design: fork
 * and exec records also reach user space, which writes nothing before the exit. `--before` adds an earlier build at its
 * default level.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { calledProgramIds, readHeldBpf } from "../src/bpf/bpf-held.ts";
import { ProgramHandles } from "../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../src/bpf/bpf-stats.ts";
import { ProcessClock, processCpuUse } from "../src/procfs/process-clock.ts";
import { median } from "../src/stats/quantile.ts";
import { runWorkload } from "../src/workload/run-workload.ts";

const { values: options } = parseArgs({
  options: {
    windows: { type: "string", default: "6" },
    window: { type: "string", default: "10" },
    warm: { type: "string", default: "30" },
    rate: { type: "string", default: "200" },
    linnix: { type: "string", default: join(import.meta.dir, "../dist/linnix") },
    before: { type: "string" },
    levels: { type: "string", default: "events,processes,merged,summary" },
  },
});
const windowMs = 1000 * Number(options.window);
const rate = Number(options.rate);
const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const PEERS = ["execsnoop", "exitsnoop"];
const BOTH_PEERS = PEERS.join(" + ");

/** A running tool, and the CPU time that it has used so far. */
class Arm implements Disposable {
  readonly name: string;
  readonly #child: Bun.Subprocess;
  readonly #clock: ProcessClock;
  readonly #programs: ProgramHandles;

  private constructor(name: string, child: Bun.Subprocess) {
    this.name = name;
    this.#child = child;
    const clock = ProcessClock.open(child.pid);
    if (!clock) throw new Error(`${name} is gone`);
    this.#clock = clock;
    const called = calledProgramIds(child.pid);
    this.#programs = new ProgramHandles(readHeldBpf(child.pid).programIds.filter((id) => !called.includes(id)));
  }

  static async start(name: string, command: readonly string[]): Promise<Arm> {
    const output = Bun.file(join(folder, name.replaceAll(/\W/g, "-")));
    const child = Bun.spawn([...command], { stdin: "ignore", stdout: output, stderr: "ignore" });
    await Bun.sleep(2500);
    return new Arm(name, child);
  }

  read() {
    const cpu = this.#clock.read();
    if (!cpu) throw new Error(`${this.name} ended`);
    return { cpu, bpf: this.#programs.read() };
  }

  /** Its own CPU time and its BPF run time since `before`, µs. */
  since(before: ReturnType<Arm["read"]>): { own: number; kernel: number } {
    const now = this.read();
    const own = processCpuUse(before.cpu, now.cpu).cpuNs / 1e3;
    return { own, kernel: runTimeDifference(before.bpf, now.bpf).runNs / 1e3 };
  }

  [Symbol.dispose](): void {
    this.#programs[Symbol.dispose]();
    this.#child.kill("SIGINT");
  }
}

const collect = (binary: string, ...more: string[]) => [
  binary,
  "collect",
  "--config",
  "/dev/null",
  "--format",
  "jsonl",
  "--sample-interval",
  "0",
  "--cpu-budget",
  "0",
  ...more,
];

/** These tools need tracefs in its usual place, so they get a private mount, which ends with them. */
const peer = (name: string) => [
  ...["unshare", "--mount", "sh", "-c", 'mount -t tracefs tracefs /sys/kernel/tracing; exec "$0"'],
  Bun.which(name, { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }) ?? name,
];

async function load(durationMs: number): Promise<number> {
  const settings = { mix: [{ program: "true" as const, share: 1 }], rate, durationMs };
  await using workload = runWorkload(settings, { command: [options.linnix, "__workload"] });
  await workload.start();
  return (await workload.done).spawned;
}

interface Window {
  own: number;
  kernel: number;
}

/** The cost per process of the load, µs, by arm. */
async function loadedWindow(
  arms: readonly Arm[],
): Promise<{ costs: Map<string, Window>; idlePct: Map<string, number> }> {
  const quiet = arms.map((arm) => arm.read());
  await Bun.sleep(windowMs);
  const idle = arms.map((arm, at) => arm.since(quiet[at] as ReturnType<Arm["read"]>));
  const before = arms.map((arm) => arm.read());
  const fromNs = Bun.nanoseconds();
  const spawned = await load(windowMs);
  await Bun.sleep(1100); // the last flush belongs to it
  const share = (Bun.nanoseconds() - fromNs) / 1e6 / windowMs;
  const costs = new Map<string, Window>();
  const idlePct = new Map<string, number>();
  for (const [at, arm] of arms.entries()) {
    const used = arm.since(before[at] as ReturnType<Arm["read"]>);
    const { own, kernel } = idle[at] as Window;
    costs.set(arm.name, { own: (used.own - own * share) / spawned, kernel: (used.kernel - kernel * share) / spawned });
    idlePct.set(arm.name, (100 * own) / (1e3 * windowMs));
  }
  return { costs, idlePct };
}

const text = (values: readonly number[]) =>
  `${median(values).toFixed(2)}  [${Math.min(...values).toFixed(2)}, ${Math.max(...values).toFixed(2)}]`;

using arms = new DisposableStack();
const all: Arm[] = [];
const start = async (name: string, command: readonly string[]) => {
  all.push(arms.use(await Arm.start(name, command)));
};
for (const level of options.levels.split(",")) {
  const words = level === "merged" ? ["--events", "exit"] : ["--detail", level];
  await start(`linnix ${level}`, collect(options.linnix, ...words));
}
if (options.before) await start("before", collect(options.before));
for (const name of PEERS) await start(name, peer(name));
using _stats = enableRunTimeStats();
await load(1000 * Number(options.warm));
const own = new Map<string, number[]>();
const kernel = new Map<string, number[]>();
const whole = new Map<string, number[]>();
const idle = new Map<string, number[]>();
const note = (rows: Map<string, number[]>, name: string, value: number) =>
  void rows.set(name, [...(rows.get(name) ?? []), value]);
for (let window = 0; window < Number(options.windows); window++) {
  const { costs, idlePct } = await loadedWindow(all);
  const peers = PEERS.map((name) => costs.get(name) as Window);
  costs.set(BOTH_PEERS, {
    own: peers.reduce((sum, cost) => sum + cost.own, 0),
    kernel: peers.reduce((sum, cost) => sum + cost.kernel, 0),
  });
  for (const [name, cost] of costs) {
    note(own, name, cost.own);
    note(kernel, name, cost.kernel);
    note(whole, name, cost.own + cost.kernel);
  }
  for (const [name, pct] of idlePct) note(idle, name, pct);
}
for (const [name, sums] of whole) {
  const peers = whole.get(BOTH_PEERS) as number[];
  const ratios = sums.map((sum, at) => (peers[at] as number) / sum);
  console.log(`${name}, µs a process at ${rate}/s: ${text(sums)}; peers cost ${text(ratios)} times as much`);
  console.log(`    own ${text(own.get(name) as number[])}; in the kernel ${text(kernel.get(name) as number[])}`);
  const atRest = idle.get(name);
  if (atRest) console.log(`    at rest, % of a core: ${text(atRest)}`);
}
