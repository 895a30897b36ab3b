/**
 * What `linnix collect` costs, next to execsnoop and exitsnoop if they are installed: in user space, in the kernel, at
 * rest, at the start, and in memory.
 *
 *   bun bench/collect.ts [--rounds N] [--seconds S] [--only paced,storm,idle,start,memory] [--million N]
 *                       [--linnix BINARY]
 *
 * Arms are interleaved, and figures are medians over rounds with their spread. Other processes of the machine make
 * events too, so figures per event or process count all that the collector saw.
 */
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { calledProgramIds, readHeldBpf } from "../src/bpf/bpf-held.ts";
import { ProgramHandles } from "../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../src/bpf/bpf-stats.ts";
import { readProcessMemory } from "../src/procfs/memory.ts";
import { ProcessClock, processCpuUse } from "../src/procfs/process-clock.ts";
import { median } from "../src/stats/quantile.ts";
import { runWorkload } from "../src/workload/run-workload.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "10" },
    rate: { type: "string", default: "200" },
    million: { type: "string", default: "3" },
    linnix: { type: "string", default: join(import.meta.dir, "../dist/linnix") },
    only: { type: "string", default: "paced,storm,idle,start,memory" },
  },
});
const LINNIX = options.linnix;
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const parts = new Set(options.only.split(","));
const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

interface Subject {
  name: string;
  pid: number;
  /** Ends the subject, and returns its summary if it prints one. */
  end(): Promise<Summary | undefined>;
}

interface Summary {
  received: { fork: number; exec: number; exit: number };
  emitted: { fork: number; exec: number; exit: number };
  lost: number;
  cost: { max_rss_bytes: number };
}

/** The last line of a file that may be far too large to read whole. */
function lastLine(path: string): string {
  const tail = Buffer.alloc(8192);
  const fd = openSync(path, "r");
  const from = Math.max(0, fstatSync(fd).size - tail.length);
  const length = readSync(fd, tail, 0, tail.length, from);
  closeSync(fd);
  return tail.toString("utf8", 0, length).trimEnd().split("\n").at(-1) ?? "";
}

async function startLinnix(format: string, ...more: string[]): Promise<Subject & { attachedMs: number }> {
  const output = join(folder, `linnix.${format}`);
  const from = Bun.nanoseconds();
  const child = Bun.spawn([LINNIX, "collect", "--format", format, "--output", output, ...more], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  let said = "";
  const reader = child.stderr.getReader();
  while (!said.includes("watching")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`linnix ended: ${said}`);
    said += new TextDecoder().decode(value);
  }
  const attachedMs = (Bun.nanoseconds() - from) / 1e6;
  return {
    name: `linnix ${format}`,
    pid: child.pid,
    attachedMs,
    end: async () => {
      child.kill("SIGTERM");
      await child.exited;
      const summary = lastLine(output);
      rmSync(output, { force: true });
      return JSON.parse(summary) as Summary;
    },
  };
}

async function startPeer(name: string): Promise<Subject | undefined> {
  const path = Bun.which(name, { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" });
  if (!path) return undefined;
  // These tools need tracefs in its usual place, so they get a private mount, which ends with them.
  const withTracefs = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$0"';
  const child = Bun.spawn(["unshare", "--mount", "sh", "-c", withTracefs, path], {
    stdin: "ignore",
    stdout: Bun.file(join(folder, name)),
    stderr: "ignore",
  });
  await Bun.sleep(1500);
  return {
    name,
    pid: child.pid,
    end: async () => {
      child.kill("SIGINT");
      await child.exited;
      return undefined;
    },
  };
}

interface Cost {
  cpuUs: number;
  cpuPct: number;
  kernelUs: number;
  runs: number;
}

/** CPU time of the subject's processes and of its BPF programs while `work` runs. */
async function costOf(subject: Subject, work: () => Promise<void>): Promise<Cost> {
  const clock = ProcessClock.open(subject.pid);
  if (!clock) throw new Error(`${subject.name} is gone`);
  const called = calledProgramIds(subject.pid);
  using programs = new ProgramHandles(readHeldBpf(subject.pid).programIds.filter((id) => !called.includes(id)));
  const before = { cpu: clock.read(), bpf: programs.read() };
  await work();
  const after = { cpu: clock.read(), bpf: programs.read() };
  if (!before.cpu || !after.cpu) throw new Error(`${subject.name} ended`);
  const use = processCpuUse(before.cpu, after.cpu);
  const ran = runTimeDifference(before.bpf, after.bpf);
  return { cpuUs: use.cpuNs / 1e3, cpuPct: use.cpuPct, kernelUs: ran.runNs / 1e3, runs: ran.runs };
}

async function spawnPaced(rate: number): Promise<number> {
  const command = [LINNIX, "__workload"];
  await using workload = runWorkload(
    { mix: [{ program: "true", share: 1 }], rate, durationMs: seconds * 1e3 },
    { command },
  );
  await workload.start();
  const { spawned } = await workload.done;
  await Bun.sleep(1100); // the last flush is the subject's cost too
  return spawned;
}

const rows = new Map<string, number[]>();
function note(what: string, value: number): void {
  rows.set(what, [...(rows.get(what) ?? []), value]);
}

/** Number of BPF program runs for a process that executes once: fork, rename, exec, exit. */
const RUNS_A_PROCESS = 4;

const total = (counts: { fork: number; exec: number; exit: number }) => counts.fork + counts.exec + counts.exit;

/** Waits until the runtime has compiled the code, because only then does the cost equal that of a long run. */
async function warmedUp(starting: Promise<Subject>): Promise<Subject> {
  const subject = await starting;
  await Bun.spawn(["stress-ng", "--fork", "2", "--fork-ops", "100000"], { stdout: "ignore", stderr: "ignore" }).exited;
  await Bun.sleep(3000);
  return { ...subject, name: `${subject.name}, warm,` };
}

async function paced(): Promise<void> {
  const rate = Number(options.rate);
  const starts: (() => Promise<Subject | undefined>)[] = [
    () => startLinnix("none"),
    () => startLinnix("jsonl"),
    () => warmedUp(startLinnix("none")),
    () => warmedUp(startLinnix("jsonl")),
    () => startPeer("execsnoop"),
    () => startPeer("exitsnoop"),
  ];
  for (let round = 0; round < rounds; round++) {
    for (const start of starts) {
      const subject = await start();
      if (!subject) continue;
      using _stats = enableRunTimeStats();
      await Bun.sleep(500);
      let spawned = 0;
      const cost = await costOf(subject, async () => {
        spawned = await spawnPaced(rate);
      });
      const summary = await subject.end();
      // Each process of the workload causes a fork, an exec and an exit. Processes of others are counted by their
      // program runs.
      const processes = summary ? Math.max(spawned, cost.runs / RUNS_A_PROCESS) : spawned;
      note(`${subject.name} at ${rate}/s: own CPU, µs a process`, cost.cpuUs / processes);
      note(`${subject.name} at ${rate}/s: own CPU, % of a core`, cost.cpuPct);
      note(`${subject.name} at ${rate}/s: in the kernel, ns a run of a program`, (1e3 * cost.kernelUs) / cost.runs);
      note(`${subject.name} at ${rate}/s: in the kernel, µs a process`, cost.kernelUs / processes);
      if (summary) note(`${subject.name} at ${rate}/s: lost`, summary.lost);
    }
  }
}

async function storm(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const format of ["none", "jsonl"]) {
      const subject = await startLinnix(format);
      const cost = await costOf(subject, async () => {
        await Bun.spawn(["stress-ng", "--fork", "4", "--fork-ops", "400000"], { stdout: "ignore", stderr: "ignore" })
          .exited;
        await Bun.sleep(1100);
      });
      const summary = await subject.end();
      if (!summary) continue;
      note(`storm, ${format}: own CPU, µs an event`, cost.cpuUs / total(summary.received));
      note(`storm, ${format}: events`, total(summary.received));
      note(`storm, ${format}: lost`, summary.lost);
    }
  }
}

async function idle(): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [name, more] of [
      ["sampling off", ["--sample-interval", "0"]],
      ["as it is set by default", []],
    ] as const) {
      const subject = await startLinnix("none", ...more);
      await Bun.sleep(5000);
      const cost = await costOf(subject, () => Bun.sleep(2 * seconds * 1e3));
      const summary = await subject.end();
      note(`idle, ${name}: own CPU, % of a core`, cost.cpuPct);
      note(`idle, ${name}: events all the same`, summary ? total(summary.received) : Number.NaN);
    }
  }
}

async function start(): Promise<void> {
  for (let round = 0; round < 3 * rounds; round++) {
    const subject = await startLinnix("none");
    note("start: from exec to attached, ms", subject.attachedMs);
    await subject.end();
  }
}

async function memory(): Promise<void> {
  const subject = await startLinnix("none");
  const mib = (bytes: number) => bytes / 2 ** 20;
  await Bun.sleep(4000);
  for (let million = 0; million <= Number(options.million); million++) {
    if (million > 0) {
      await Bun.spawn(["stress-ng", "--fork", "4", "--fork-ops", "500000"], { stdout: "ignore", stderr: "ignore" })
        .exited;
    }
    const now = readProcessMemory(subject.pid);
    if (!now) break;
    note(`memory after ${million} million events and more: RSS, MiB`, mib(now.rssBytes));
    note(`memory after ${million} million events and more: anonymous, MiB`, mib(now.anonBytes));
  }
  const summary = await subject.end();
  if (summary) note("memory: events in all", total(summary.received));
}

const all: Record<string, () => Promise<void>> = { paced, storm, idle, start, memory };
for (const [name, part] of Object.entries(all)) if (parts.has(name)) await part();

console.log(`load ${readFileSync("/proc/loadavg", "utf8").trim()}`);
for (const [what, values] of rows) {
  const figures = [median(values), Math.min(...values), Math.max(...values)].map((value) => value.toPrecision(4));
  console.log(`${what.padEnd(72)} ${figures[0]}  [${figures[1]}, ${figures[2]}]`);
}
