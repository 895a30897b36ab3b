/**
 * Storms next to a quiet neighbour: lost and counted events, the cost, and whether all events of the neighbour are
 * reported.
 *
 *   bun bench/storms.ts [--seconds S] [--only stress,vfork,bomb,execs] [--rate N] [--budget P] [--storm-rate R]
 *                       [--warm S] [--parts] [--linnix BINARY]
 *
 * Each storm has its own collector with default settings, which first runs for `--warm` seconds with the neighbour
 * alone. User-space CPU is the highest of any 5 s, beginning 3 s into the storm. Time in the kernel is averaged over
 * all events that the programs saw while the kernel's statistics were on. The statistics themselves cost a little.
 * With `--parts`, three more collectors run one after another. Each leaves out more of the work: without groups; also
 * without sources; also without events that pass a filter. The differences are the parts of the time in the kernel.
 * Needs root and gcc.
 */
import { createReadStream, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { calledProgramIds, readHeldBpf } from "../src/bpf/bpf-held.ts";
import { ProgramHandles } from "../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../src/bpf/bpf-stats.ts";
import { readProcessMemory } from "../src/procfs/memory.ts";
import { ProcessClock } from "../src/procfs/process-clock.ts";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    only: { type: "string", default: "stress,vfork,bomb,execs" },
    rate: { type: "string", default: "100" },
    budget: { type: "string", default: "1" },
    "storm-rate": { type: "string", default: "auto" },
    warm: { type: "string", default: "12" },
    parts: { type: "boolean", default: false },
    linnix: { type: "string", default: join(import.meta.dir, "../dist/linnix") },
  },
});
const seconds = Number(options.seconds);
const rate = Number(options.rate);
const budgetPct = Number(options.budget);
const warmS = Number(options.warm);
/** Number of the neighbour's numbered children. */
const COUNT = Math.round(rate * (warmS + seconds));
/** Time from the beginning of a storm until the cost must be within the budget. */
const SETTLING_MS = 3000;
const WINDOW_MS = 5000;
/** Of each run of `--parts`: time before the storm, and length of the storm. */
const PART_WARM_MS = 2000;
const PART_MS = 10_000;
const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

function compile(name: string): string {
  const path = join(folder, name);
  const source = join(import.meta.dir, "../test/fixtures/storms/storms.c");
  const { exitCode, stderr } = Bun.spawnSync(["gcc", "-O1", "-static", "-o", path, source]);
  if (exitCode !== 0) throw new Error(`gcc: ${stderr}`);
  return path;
}

const STORM = compile("storm");
const NEIGHBOUR = compile("neighbour");
const FOR_EVER = String(1e9);
const COMMANDS: Record<string, string[][]> = {
  stress: [["stress-ng", "--fork", "8", "--quiet", "--timeout", `${seconds}s`]],
  vfork: Array.from({ length: 3 }, () => [STORM, "loop", FOR_EVER]),
  bomb: [[STORM, "bomb", "10", FOR_EVER]],
  execs: Array.from({ length: 2 }, () => [STORM, "execs", FOR_EVER, "/bin/true", "x".repeat(1024)]),
};

interface Counts {
  fork: number;
  exec: number;
  exit: number;
}

interface Summary {
  lost: number;
  seen: Counts;
  suppressed: Counts;
  emitted: Counts;
}

const total = ({ fork, exec, exit }: Counts) => fork + exec + exit;
const start = (command: readonly string[]) =>
  Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });

async function ready(child: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> {
  let said = "";
  const decoder = new TextDecoder();
  const watching = Promise.withResolvers<void>();
  void (async () => {
    for await (const bytes of child.stderr) {
      said += decoder.decode(bytes, { stream: true });
      if (said.includes("watching by")) watching.resolve();
    }
    watching.reject(new Error(`linnix ended: ${said}`));
  })();
  await watching.promise;
}

/** CPU time so far, at several moments. */
class CpuLog {
  readonly #clock: ProcessClock;
  readonly #looks: { atMs: number; cpuNs: number }[] = [];

  constructor(pid: number) {
    const clock = ProcessClock.open(pid);
    if (!clock) throw new Error("linnix is gone");
    this.#clock = clock;
  }

  async during(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs) {
      const look = this.#clock.read();
      if (look) this.#looks.push({ atMs: performance.now(), cpuNs: Number(look.cpuNs) });
      await Bun.sleep(250);
    }
  }

  /** The highest CPU use of any window after that time, % of one core. */
  most(fromMs: number): number {
    let most = 0;
    const looks = this.#looks.filter(({ atMs }) => atMs >= fromMs);
    for (const first of looks) {
      const last = looks.find(({ atMs }) => atMs - first.atMs >= WINDOW_MS);
      if (!last) break;
      most = Math.max(most, (last.cpuNs - first.cpuNs) / (last.atMs - first.atMs) / 1e4);
    }
    return most;
  }
}

/** Problems with the neighbour's children in the output, and the summary. */
async function read(path: string): Promise<{ problems: string[]; summary: Summary }> {
  let summary: Summary | undefined;
  const problems: string[] = [];
  const types = new Map<number, string>();
  let [expected, complete] = [0, 0];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line.startsWith('{"type":"summary"')) summary = JSON.parse(line) as Summary;
    if (!line.includes('"comm":"neighbour"')) continue;
    const { type, pid, args, exit_code } = JSON.parse(line);
    if (type === "fork") types.set(pid, "fork");
    else if (type === "exec" && args?.[1] === "number") {
      if (types.get(pid) !== "fork") problems.push(`exec ${args[2]} without its fork`);
      if (Number(args[2]) !== expected) problems.push(`exec ${args[2]} where ${expected} was expected`);
      expected = Number(args[2]) + 1;
      types.set(pid, args[2]);
    } else if (type === "exit" && types.has(pid)) {
      if (Number(types.get(pid)) % 50 === exit_code) complete++;
      else if (types.get(pid) !== "fork") problems.push(`exit ${exit_code} of number ${types.get(pid)}`);
      types.delete(pid);
    }
  }
  if (!summary) throw new Error("no summary");
  if (complete !== COUNT) problems.push(`${complete} of ${COUNT} complete`);
  return { problems, summary };
}

/** Starts a collector, and waits until it watches. */
async function collector(output: string, args: readonly string[]) {
  const child = Bun.spawn([options.linnix, "collect", "--format", "jsonl", "--output", output, ...args], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  await ready(child);
  return child;
}

/** The programs of a collector that the kernel runs at events. */
function eventPrograms(pid: number): ProgramHandles {
  const called = calledProgramIds(pid);
  return new ProgramHandles(readHeldBpf(pid).programIds.filter((id) => !called.includes(id)));
}

/** Time in the kernel per event, ns: all programs, and the second programs at the tracepoints alone. */
interface KernelTime {
  all: number;
  retry: number;
}

/** Measures a storm with a collector of its own. */
async function kernelTime(commands: readonly string[][], args: readonly string[]): Promise<KernelTime> {
  const output = join(folder, "part.jsonl");
  const child = await collector(output, args);
  await Bun.sleep(PART_WARM_MS);
  using programs = eventPrograms(child.pid);
  using stats = enableRunTimeStats();
  const before = programs.read();
  const storms = commands.map(start);
  await Bun.sleep(PART_MS);
  for (const each of storms) each.kill("SIGKILL");
  const after = programs.read();
  stats.close();
  await Promise.all(storms.map((each) => each.exited));
  child.kill("SIGTERM");
  await child.exited;
  rmSync(output);
  const { programs: runs, runNs } = runTimeDifference(before, after);
  const sumOf = (of: RegExp, figure: "runs" | "runNs") =>
    runs.filter(({ name }) => of.test(name)).reduce((sum, run) => sum + run[figure], 0);
  const events = sumOf(/^handle_(fork|exec|exit)$/, "runs");
  return { all: runNs / events, retry: sumOf(/^retry_/, "runNs") / events };
}

/** The parts of the time in the kernel: each collector does less than the one before. */
async function parts(name: string, commands: readonly string[][]): Promise<string> {
  const listen = ["--listen", `unix:${join(folder, `${name}-part.sock`)}`];
  const whole = await kernelTime(commands, listen);
  const noGroups = await kernelTime(commands, [...listen, "--metrics-groups=false"]);
  const other = start(["sleep", "infinity"]);
  const filtered = await kernelTime(commands, [...listen, "--metrics-groups=false", "--pid", String(other.pid)]);
  other.kill();
  const figure = (ns: number) => `${ns.toFixed(0)} ns`;
  return [
    `  parts of ${figure(whole.all)} an event: group ${figure(whole.all - noGroups.all)}`,
    `source ${figure(noGroups.all - noGroups.retry - (filtered.all - filtered.retry))}`,
    `retry ${figure(noGroups.retry)}`,
    `reading the task and filtering ${figure(filtered.all - filtered.retry)}`,
  ].join(", ");
}

const livePids = () => new Set(readdirSync("/proc").map(Number).filter(Number.isInteger));

/** Pids that are only in the table or only in /proc. */
async function tableProblems(socket: string): Promise<number[]> {
  const before = livePids();
  const answer = await fetch("http://linnix/processes?limit=10000", { unix: socket });
  const { processes } = (await answer.json()) as { processes: { pid: number }[] };
  const after = livePids();
  const known = new Set(processes.map(({ pid }) => pid));
  const wrong = [...known].filter((pid) => !before.has(pid) && !after.has(pid));
  return [...wrong, ...[...before].filter((pid) => after.has(pid) && !known.has(pid))];
}

async function storm(name: string, commands: readonly string[][]): Promise<void> {
  const output = join(folder, `${name}.jsonl`);
  const socket = join(folder, `${name}.sock`);
  const settings = ["--cpu-budget", options.budget, "--storm-rate", options["storm-rate"]];
  const child = await collector(output, ["--listen", `unix:${socket}`, ...settings]);
  const log = new CpuLog(child.pid);
  const neighbour = start([NEIGHBOUR, "paced", String(COUNT), String(Math.round(0.9e6 / rate)), NEIGHBOUR]);
  await log.during(1000 * warmS);
  const rssBefore = readProcessMemory(child.pid)?.rssBytes ?? 0;
  using programs = eventPrograms(child.pid);
  using stats = enableRunTimeStats();
  const bpfBefore = programs.read();
  const fromMs = performance.now();
  const storms = commands.map(start);
  await log.during(1000 * seconds);
  for (const each of storms) each.kill("SIGKILL");
  const bpfAfter = programs.read();
  stats.close();
  await neighbour.exited;
  await Promise.all(storms.map((each) => each.exited));
  await Bun.sleep(5000);
  const rssAfter = readProcessMemory(child.pid)?.rssBytes ?? 0;
  const different = await tableProblems(socket);
  child.kill("SIGTERM");
  await child.exited;
  const { problems, summary } = await read(output);
  rmSync(output);
  const { seen, suppressed, emitted, lost } = summary;
  const mostPct = log.most(fromMs + SETTLING_MS);
  const nsPerEvent = runTimeDifference(bpfBefore, bpfAfter).runNs / total(seen);
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const share = ((100 * total(suppressed)) / total(seen)).toFixed(1);
  console.log(
    [
      `${name}: ${(total(seen) / seconds).toFixed(0)} events a second, ${share} % counted instead of sent`,
      `  lost ${lost}; suppressed fork ${suppressed.fork}, exec ${suppressed.exec}, exit ${suppressed.exit}; sent ${total(emitted)}`,
      `  user side at most ${mostPct.toFixed(2)} % of a core in any 5 s (1.2 times the budget: ${(1.2 * budgetPct).toFixed(2)})`,
      `  in the kernel ${nsPerEvent.toFixed(0)} ns an event`,
      `  RSS ${mib(rssBefore)} MiB before, ${mib(rssAfter)} MiB after; pids that differ from /proc: ${different.length}`,
      `  neighbour: ${problems.length === 0 ? "complete, in order" : problems.slice(0, 5).join("; ")}`,
    ].join("\n"),
  );
}

for (const name of options.only.split(",")) {
  const commands = COMMANDS[name];
  if (!commands) throw new Error(`no storm ${name}: ${Object.keys(COMMANDS).join(", ")}`);
  if (commands[0]?.[0] === "stress-ng" && !Bun.which("stress-ng")) console.log("stress: stress-ng is not installed");
  else {
    await storm(name, commands);
    if (options.parts) console.log(await parts(name, commands));
  }
}
