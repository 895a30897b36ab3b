/**
 * Two collectors at the same time under one load: two builds, or one build with two settings. Both receive the same API
 * requests: a client follows the events, and /metrics is read every 5 s. Each window yields a pair of figures, so other
 * work on the machine affects both.
 *
 *   bun bench/side-by-side.ts --a FILE [--b FILE] [--a-args="..."] [--b-args="..."] [--rate N] [--arg-bytes N]
 *       [--warm S] [--warm-scrape S] [--windows N] [--window S] [--no-client] [--scrape S] [--b-first]
 *
 * `--no-client` leaves out both the client and the scrapes; `--scrape` sets the interval of reads of /metrics, with or
 * without a client. Choose a window that is a multiple of it, so that each window has the same number of scrapes.
 * `--warm-scrape` sets the interval during the warm-up. With 1, five minutes compile as much code as a scrape every 15 s
 * does in more than an hour.
 * `--rate 0` measures without a load.
 *
 * Of two collectors on the same tracepoints, the programs of the collector that attached first find the caches cold and
 * take about 1.3 times as long. To compare BPF run time, run the bench a second time with `--b-first`, and take the
 * geometric mean of both ratios.
 *
 * What groups cost:
 *   bun bench/side-by-side.ts --a-args="--metrics-groups=false" --no-client --scrape 15 --window 15 --warm 200
 *
 * Printed: own CPU time and BPF run time in % of one core, memory, and the delay of an event from the kernel's
 * timestamp to the client. b/a is the median of the ratios of the pairs, with the lowest and the highest.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { calledProgramIds, readHeldBpf } from "../src/bpf/bpf-held.ts";
import { ProgramHandles } from "../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../src/bpf/bpf-stats.ts";
import { readProcessMemory } from "../src/procfs/memory.ts";
import { ProcessClock } from "../src/procfs/process-clock.ts";
import { cString, reap, Spawner, sleepNs } from "../src/sys/spawn.ts";

const dist = join(import.meta.dir, "../dist/linnix");
const { values: options } = parseArgs({
  options: {
    a: { type: "string", default: dist },
    b: { type: "string", default: dist },
    "a-args": { type: "string", default: "" },
    "b-args": { type: "string", default: "" },
    rate: { type: "string", default: "200" },
    "arg-bytes": { type: "string", default: "0" },
    warm: { type: "string", default: "40" },
    windows: { type: "string", default: "12" },
    window: { type: "string", default: "10" },
    "no-client": { type: "boolean", default: false },
    scrape: { type: "string" },
    "warm-scrape": { type: "string" },
    "b-first": { type: "boolean", default: false },
    load: { type: "boolean", default: false },
  },
});
const rate = Number(options.rate);
const argBytes = Number(options["arg-bytes"]);
const windowMs = 1000 * Number(options.window);
/** Interval of reads of /metrics; 0 if it is not read. */
const scrapeMs = 1000 * Number(options.scrape ?? (options["no-client"] ? 0 : 5));

/** The load. It runs in its own process, so that no reading here waits for a spawn. */
function spawnForever(): never {
  using spawner = new Spawner(["PATH=/usr/bin:/bin"]);
  const path = cString("/bin/true");
  const argv = ["true", ...(argBytes > 0 ? ["x".repeat(argBytes)] : [])];
  for (let due = Bun.nanoseconds(); ; due += 1e9 / rate) {
    const now = Bun.nanoseconds();
    if (due > now) sleepNs(due - now);
    spawner.spawn(path, argv);
    while (reap(-1) !== null);
    if (process.ppid === 1) process.exit();
  }
}

class Arm implements AsyncDisposable {
  readonly delays: number[] = [];
  readonly #abort = new AbortController();
  readonly #reading: Promise<void>;

  private constructor(
    readonly child: Bun.Subprocess,
    readonly socket: string,
    readonly clock: ProcessClock,
    readonly programs: ProgramHandles,
  ) {
    const hasClient = !options["no-client"];
    this.#reading = hasClient ? this.#follow().catch(() => {}) : Promise.resolve();
  }

  static async start(binary: string, words: string, socket: string): Promise<Arm> {
    const args = ["collect", "--format", "none", "--listen", `unix:${socket}`, "--cpu-budget", "0"];
    const argv = [binary, ...args, ...words.split(" ").filter(Boolean)];
    const child = Bun.spawn(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      await Bun.sleep(50);
      const isThere = await fetch("http://localhost/healthz", { unix: socket }).catch(() => null);
      if (isThere?.ok) break;
    }
    const clock = ProcessClock.open(child.pid);
    const called = calledProgramIds(child.pid);
    const ids = readHeldBpf(child.pid).programIds.filter((id) => !called.includes(id));
    if (clock === null || ids.length === 0) throw new Error(`${binary} did not start`);
    return new Arm(child, socket, clock, new ProgramHandles(ids));
  }

  async get(path: string): Promise<string> {
    return (await fetch(`http://localhost${path}`, { unix: this.socket })).text();
  }

  read() {
    const cpu = this.clock.read();
    if (cpu === null) throw new Error("a collector ended");
    return { cpu, bpf: this.programs.read() };
  }

  async #follow(): Promise<void> {
    const response = await fetch("http://localhost/events", { unix: this.socket, signal: this.#abort.signal });
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of response.body ?? []) {
      const nowMs = performance.timeOrigin + performance.now();
      const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [, time] = /^data: .*?"time":"([^"]+)Z"/.exec(line) ?? [];
        if (time && !line.includes('"type":"sample"')) this.delays.push(nowMs - Date.parse(`${time.slice(0, 23)}Z`));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#reading;
    this.programs[Symbol.dispose]();
    this.child.kill("SIGTERM");
    await this.child.exited;
  }
}

const sorted = (values: readonly number[]) => [...values].sort((x, y) => x - y);
const quantile = (values: readonly number[], q: number) => sorted(values)[Math.floor(q * values.length)] ?? Number.NaN;
const spread = (values: readonly number[], digits: number) =>
  `${quantile(values, 0.5).toFixed(digits)} [${quantile(values, 0).toFixed(digits)}, ${quantile(values, 1 - 1e-9).toFixed(digits)}]`;

/** Waits for `ms` and scrapes both collectors in the meantime, every `intervalMs` (0: not at all). */
async function pass(ms: number, arms: readonly Arm[], intervalMs = scrapeMs): Promise<void> {
  const from = performance.now();
  const until = (dueMs: number) => Bun.sleep(Math.max(0, from + dueMs - performance.now()));
  for (let dueMs = intervalMs / 2; intervalMs > 0 && dueMs < ms; dueMs += intervalMs) {
    await until(dueMs);
    await Promise.all(arms.map((arm) => arm.get("/metrics").catch(() => {})));
  }
  await until(ms);
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "linnix-bench-"));
  const words = ["--rate", options.rate, "--arg-bytes", options["arg-bytes"]];
  const command = [process.execPath, import.meta.path, "--load", ...words];
  const load = rate > 0 ? Bun.spawn(command, { stdin: "ignore" }) : null;
  try {
    using _stats = enableRunTimeStats();
    const startArm = (name: "a" | "b") => Arm.start(options[name], options[`${name}-args`], join(folder, name));
    await using first = await startArm(options["b-first"] ? "b" : "a");
    await using second = await startArm(options["b-first"] ? "a" : "b");
    const [a, b] = options["b-first"] ? [second, first] : [first, second];
    const arms = { a, b };
    const warmScrape = options["warm-scrape"];
    await pass(1000 * Number(options.warm), [a, b], warmScrape === undefined ? scrapeMs : 1000 * Number(warmScrape));
    a.delays.length = 0;
    b.delays.length = 0;
    const rows = { a: [] as Window[], b: [] as Window[] };
    for (let i = 0; i < Number(options.windows); i++) {
      const before = { a: a.read(), b: b.read() };
      await pass(windowMs, [a, b]);
      for (const name of ["a", "b"] as const) rows[name].push(difference(before[name], arms[name].read()));
    }
    for (const name of ["a", "b"] as const) {
      const { child, delays } = arms[name];
      const memory = readProcessMemory(child.pid);
      const mib = (bytes = 0) => (bytes / 2 ** 20).toFixed(1);
      console.log(`${name}: ${options[name]} ${options[`${name}-args`]}`);
      console.log(
        `  own, % of a core          ${spread(
          rows[name].map((row) => row.cpuPct),
          3,
        )}`,
      );
      console.log(
        `  BPF, % of a core          ${spread(
          rows[name].map((row) => row.bpfPct),
          2,
        )}`,
      );
      console.log(`  RSS, anonymous, MiB       ${mib(memory?.rssBytes)}, ${mib(memory?.anonBytes)}`);
      const ms = [0.5, 0.99].map((q) => quantile(delays, q).toFixed(0)).join(", ");
      if (delays.length > 0) console.log(`  kernel to client, ms      p50, p99: ${ms} (${delays.length} events)`);
    }
    const ratios = (pick: (row: Window) => number) =>
      spread(
        rows.a.map((row, i) => pick(rows.b[i] as Window) / pick(row)),
        2,
      );
    const both = ratios((row) => row.cpuPct + row.bpfPct);
    console.log(`b/a: own ${ratios((row) => row.cpuPct)}, BPF ${ratios((row) => row.bpfPct)}, together ${both}`);
  } finally {
    load?.kill("SIGKILL");
    await load?.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Window {
  cpuPct: number;
  bpfPct: number;
}

function difference(before: ReturnType<Arm["read"]>, after: ReturnType<Arm["read"]>): Window {
  const elapsedNs = after.cpu.atNs - before.cpu.atNs;
  const { runNs } = runTimeDifference(before.bpf, after.bpf);
  return {
    cpuPct: (100 * Number(after.cpu.cpuNs - before.cpu.cpuNs)) / elapsedNs,
    bpfPct: (100 * runNs) / elapsedNs,
  };
}

if (options.load) spawnForever();
else await measure();
