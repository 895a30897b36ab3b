/**
 * Performance and cost of the HTTP API of `linnix collect`: requests per second with a table of 500 processes, delay of
 * an event from the kernel to a client, memory in use, memory and descriptors after millions of events, and CPU time
 * with all features on.
 *
 *   bun bench/api.ts [--only requests,latency,cost,use,memory] [--binary FILE] [--seconds S] [--million N]
 *
 * No part may lose an event. The number of lost events is printed with every figure.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { calledProgramIds, readHeldBpf } from "../src/bpf/bpf-held.ts";
import { ProgramHandles } from "../src/bpf/bpf-programs.ts";
import { runTimeDifference } from "../src/bpf/bpf-run-time.ts";
import { enableRunTimeStats } from "../src/bpf/bpf-stats.ts";
import { readProcessMemory } from "../src/procfs/memory.ts";
import { ProcessClock, processCpuUse } from "../src/procfs/process-clock.ts";
import { runWorkload } from "../src/workload/run-workload.ts";

const { values: options } = parseArgs({
  options: {
    only: { type: "string", default: "requests,latency,cost,use,memory" },
    binary: { type: "string", default: join(import.meta.dir, "../dist/linnix") },
    seconds: { type: "string", default: "20" },
    million: { type: "string", default: "2" },
    port: { type: "string", default: "3917" },
  },
});
const LINNIX = options.binary;
const BASE = `http://127.0.0.1:${options.port}`;
const seconds = Number(options.seconds);
const parts = new Set(options.only.split(","));
const SLEEPERS = 500;

interface Status {
  lost: number;
  events_per_second: number;
  processes: { live: number };
  received: { fork: number; exec: number; exit: number };
  api: { sent: number; missed: number };
  budget: { level: number; cost_pct: number | null } | null;
}

const print = (what: string, value: number | string) => console.log(`${what.padEnd(64)} ${value}`);
/** At a level above 0, the rings are emptied half as often, so events arrive later by design. */
const budgetOf = ({ budget }: Status) => `${budget?.level ?? "none"}, at ${budget?.cost_pct ?? "?"} % of a core`;
const status = async () => (await (await fetch(`${BASE}/status`)).json()) as Status;

async function startLinnix() {
  const args = ["collect", "--format", "none", "--listen", `127.0.0.1:${options.port}`, "--api-cpu-budget", "0"];
  const child = Bun.spawn([LINNIX, ...args], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const reader = child.stderr.getReader();
  let said = "";
  while (!said.includes("answering")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`linnix ended: ${said}`);
    said += new TextDecoder().decode(value);
  }
  await Bun.sleep(5000);
  return child;
}

async function load(rate: number, durationMs: number): Promise<void> {
  const mix = [{ program: "true" as const, share: 1 }];
  await using workload = runWorkload({ mix, rate, durationMs }, { command: [LINNIX, "__workload"] });
  await workload.start();
  await workload.done;
}

/** Requests per second of eight connections; each connection sends one request after the other. */
async function requests(): Promise<void> {
  const before = await status();
  const wanted = 1000 * seconds;
  let asked = 0;
  let bytes = 0;
  const latencies: number[] = [];
  const from = performance.now();
  const connection = async () => {
    while (asked < wanted) {
      // Requests are paced as in reality. Without pauses, the result would only show how fast this client is.
      const due = from + asked++;
      const now = performance.now();
      if (due > now + 1) await Bun.sleep(due - now);
      const start = performance.now();
      bytes += (await (await fetch(`${BASE}/processes`)).arrayBuffer()).byteLength;
      latencies.push(performance.now() - start);
    }
  };
  const spawning = load(200, seconds * 1000);
  await Promise.all(Array.from({ length: 8 }, connection));
  const elapsedS = (performance.now() - from) / 1000;
  await spawning;
  const after = await status();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => (latencies[Math.floor(q * latencies.length)] ?? 0).toFixed(2);
  print(`GET /processes at ${after.processes.live} processes: a second, paced at 1000`, (asked / elapsedS).toFixed(0));
  print("GET /processes: KiB an answer", (bytes / asked / 1024).toFixed(0));
  print("GET /processes: ms, p50, p99", `${quantile(0.5)}, ${quantile(0.99)}`);
  print("GET /processes with 200 spawns a second beside it: lost", after.lost - before.lost);
  print("level of the budget after it", budgetOf(after));
}

/** Delay from the kernel's timestamp of an event to its arrival at the client, both on this machine. */
async function latency(): Promise<void> {
  const abort = new AbortController();
  const response = await fetch(`${BASE}/events?types=exec,exit,fork`, { signal: abort.signal });
  const delays: number[] = [];
  const reading = (async () => {
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const nowMs = performance.timeOrigin + performance.now();
      const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const [, time] = /^data: .*?"time":"([^"]+)Z"/.exec(line) ?? [];
        if (time) delays.push(nowMs - Date.parse(`${time.slice(0, 23)}Z`));
      }
    }
  })().catch(() => {});
  await load(200, seconds * 1000);
  await Bun.sleep(1500);
  abort.abort();
  await reading;
  const after = await status();
  delays.sort((a, b) => a - b);
  const quantile = (q: number) => (delays[Math.floor(q * delays.length)] ?? 0).toFixed(0);
  print("live events: received", delays.length);
  print(
    "live events: ms from the kernel to the client, p50, p99, worst",
    `${quantile(0.5)}, ${quantile(0.99)}, ${quantile(1 - 1e-9)}`,
  );
  print("level of the budget after it", budgetOf(after));
}

/** A client of the live events, until it is disposed of. */
async function follow(): Promise<AsyncDisposable> {
  const abort = new AbortController();
  const response = await fetch(`${BASE}/events`, { signal: abort.signal });
  const reading = (async () => {
    for await (const _ of response.body ?? []);
  })().catch(() => {});
  return {
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reading;
    },
  };
}

async function costOf(pid: number, work: () => Promise<void>): Promise<string> {
  using _stats = enableRunTimeStats();
  const clock = ProcessClock.open(pid);
  // Programs that linnix calls itself run in its own CPU time.
  const called = calledProgramIds(pid);
  using programs = new ProgramHandles(readHeldBpf(pid).programIds.filter((id) => !called.includes(id)));
  const before = { cpu: clock?.read(), bpf: programs.read() };
  const fromMs = performance.now();
  await work();
  const elapsedNs = (performance.now() - fromMs) * 1e6;
  const after = { cpu: clock?.read(), bpf: programs.read() };
  if (!before.cpu || !after.cpu) throw new Error("linnix ended");
  const own = processCpuUse(before.cpu, after.cpu).cpuPct;
  const kernel = (100 * runTimeDifference(before.bpf, after.bpf).runNs) / elapsedNs;
  return `${(own + kernel).toFixed(3)} (${own.toFixed(3)} + ${kernel.toFixed(3)})`;
}

/** Long enough to include the work of each minute. Compiling happens mostly in the first minute. */
const IDLE_MINUTES = 3;

/** Iterators run within the collector's own reads, so their time is in both figures. */
async function cost(pid: number): Promise<void> {
  const durationMs = seconds * 1000;
  await load(200, 20_000); // what is compiled once
  for (let minute = 1; minute <= IDLE_MINUTES; minute++) {
    const figures = await costOf(pid, () => Bun.sleep(60_000));
    print(`idle, API open, nobody asks, minute ${minute}: % of a core (own + kernel)`, figures);
  }
  print("200 spawns a second, nobody asks: %", await costOf(pid, () => load(200, durationMs)));
  await using _client = await follow();
  const scrape = setInterval(() => void fetch(`${BASE}/metrics`).then((answer) => answer.text()), 15_000);
  await load(200, 30_000); // what a first client has compiled
  print("200 spawns a second, one client, scrapes: %", await costOf(pid, () => load(200, durationMs)));
  clearInterval(scrape);
}

/** Memory, sampled 200 times per second: at rest, with a client and scrapes, and while lists are requested. */
async function use(pid: number): Promise<void> {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const during = async (what: string, work: () => Promise<unknown>) => {
    let rss = 0;
    const anon: number[] = [];
    const look = setInterval(() => {
      const now = readProcessMemory(pid);
      rss = Math.max(rss, now?.rssBytes ?? 0);
      anon.push(now?.anonBytes ?? 0);
    }, 5);
    await work();
    clearInterval(look);
    anon.sort((a, b) => a - b);
    const quantile = (q: number) => mib(anon[Math.floor(q * anon.length)] ?? 0);
    const figures = `${mib(rss)}; ${quantile(0.5)}, ${quantile(0.99)}, ${quantile(1 - 1e-9)}`;
    print(`${what}: most RSS; anonymous p50, p99, most, MiB`, figures);
  };
  const lists = async () => {
    for (let i = 0; i < 3000; i++) {
      await (await fetch(`${BASE}/processes`)).arrayBuffer();
      await Bun.sleep(1);
    }
  };
  await during("nobody asks", () => Bun.sleep(10_000));
  const client = await follow();
  const scrape = setInterval(() => void fetch(`${BASE}/metrics`).then((answer) => answer.text()), 15_000);
  await during("200 spawns a second, one client, scrapes", () => load(200, 3000 * seconds));
  await during("the same and 3,000 GET /processes", () => Promise.all([load(200, 8000), lists()]));
  clearInterval(scrape);
  await client[Symbol.asyncDispose]();
  await during("3,000 GET /processes one after the other", lists);
}

async function memory(pid: number): Promise<void> {
  const fds = () => readdirSync(`/proc/${pid}/fd`).length;
  const mib = (bytes = 0) => (bytes / 2 ** 20).toFixed(1);
  const abort = new AbortController();
  const response = await fetch(`${BASE}/events`, { signal: abort.signal });
  let bytes = 0;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) bytes += chunk.length;
  })().catch(() => {});
  const show = async () => {
    const now = readProcessMemory(pid);
    const { received, lost, api } = await status();
    const events = ((received.fork + received.exec + received.exit) / 1e6).toFixed(2);
    const figures = `${mib(now?.rssBytes)}, ${mib(now?.anonBytes)}; ${fds()} fds; lost ${lost}; missed ${api.missed}`;
    print(`${events} million events: RSS, anonymous MiB`, figures);
  };
  await show();
  for (let half = 0; half < 2 * Number(options.million); half++) {
    await Bun.spawn(["stress-ng", "--fork", "2", "--fork-ops", "250000"], { stdout: "ignore", stderr: "ignore" })
      .exited;
    await Bun.sleep(1500);
    await show();
  }
  abort.abort();
  await reading;
  print("MiB to the client", mib(bytes));
  await Bun.sleep(2000);
  await show();
}

const sleepers = Bun.spawn(["sh", "-c", `i=0; while [ $i -lt ${SLEEPERS} ]; do sleep 3600 & i=$((i+1)); done; wait`], {
  detached: true,
});
try {
  await Bun.sleep(1500);
  const linnix = await startLinnix();
  try {
    if (parts.has("requests")) await requests();
    if (parts.has("latency")) await latency();
    if (parts.has("cost")) await cost(linnix.pid);
    if (parts.has("use")) await use(linnix.pid);
    if (parts.has("memory")) await memory(linnix.pid);
  } finally {
    linnix.kill("SIGTERM");
    await linnix.exited;
  }
} finally {
  process.kill(-sleepers.pid, "SIGKILL");
}
