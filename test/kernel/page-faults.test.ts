/** `collect --page-faults`: at most ten faults a second of a process, all others counted; none without the option. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PageFaultEvent } from "../../src/wire/event.ts";
import { FAULTS_PER_SECOND } from "../../src/wire/layout.gen.ts";
import type { RunSummary } from "../../src/wire/summary.ts";
import { SseClient } from "../api/sse-client.ts";
import { bpfIdsOf } from "./support/bpf-objects.ts";
import { CollectRun, until } from "./support/collect-run.ts";
import { programPath, titled, whyNoPageFaults } from "./support/needs.ts";

setDefaultTimeout(60_000);

const SOURCE = join(import.meta.dir, "../fixtures/page-faults/toucher.c");
const ARGS = ["--format", "jsonl", "--flush-interval", "20ms", "--sample-interval", "0"];

const reason = whyNoPageFaults();

const scope = new DisposableStack();
let directory: string;
let program: string;

beforeAll(() => {
  if (reason !== null) return;
  directory = mkdtempSync(join(tmpdir(), "linnix-page-faults-"));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  program = join(directory, "toucher");
  const { exitCode, stderr } = Bun.spawnSync([programPath("gcc") ?? "gcc", "-O1", "-o", program, SOURCE]);
  if (exitCode !== 0) throw new Error(`${SOURCE}: ${stderr}`);
});
afterAll(() => scope.dispose());

interface Region {
  start: number;
  bytes: number;
}

/** A process that touches pages on command. */
class Toucher implements AsyncDisposable {
  readonly #child = Bun.spawn([program], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  readonly #lines = this.#child.stdout.getReader();
  /** Number of pages touched so far. */
  pages = 0;

  get pid(): number {
    return this.#child.pid;
  }

  async touch(how: "w" | "r", pages: number): Promise<Region> {
    this.#child.stdin.write(`${how} ${pages}\n`);
    await this.#child.stdin.flush();
    const { value } = await this.#lines.read();
    const [start = 0, bytes = 0] = new TextDecoder().decode(value).split(" ").map(Number);
    this.pages += pages;
    return { start, bytes };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.end();
    expect(await this.#child.exited).toBe(0);
  }
}

/** A run of `collect`, and the lines that it has written. */
class FaultRun implements AsyncDisposable {
  static #runs = 0;
  readonly #file = join(directory, `events-${++FaultRun.#runs}.jsonl`);
  readonly #ringSize: string;
  #run: CollectRun | undefined;

  constructor(ringSize = "4MiB") {
    this.#ringSize = ringSize;
  }

  async start(...args: string[]): Promise<this> {
    this.#run = await CollectRun.start([...ARGS, "--ring-size", this.#ringSize, "--output", this.#file, ...args]);
    return this;
  }

  get pid(): number {
    return this.#run?.pid ?? 0;
  }

  lines(): { type: string }[] {
    const whole = readFileSync(this.#file, "utf8").split("\n").slice(0, -1);
    return whole.map((line) => JSON.parse(line) as { type: string });
  }

  faults(): Fault[] {
    return this.lines().filter(({ type }) => type === "page_fault") as unknown as Fault[];
  }

  faultsIn({ start, bytes }: Region): Fault[] {
    return this.faults().filter(({ address }) => address >= start && address < start + bytes);
  }

  async end(): Promise<RunSummary> {
    this.#run?.child.kill("SIGTERM");
    await this.#run?.child.exited;
    expect(this.#run?.child.exitCode).toBe(0);
    return this.lines().at(-1) as unknown as RunSummary;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#run?.[Symbol.asyncDispose]();
  }
}

/** User addresses are below 2^53: as JSON gives them. */
type Fault = Omit<PageFaultEvent, "ts_ns" | "address" | "ip"> & { ts_ns: number; address: number; ip: number };

/** Touches new pages until a fault is reported: the quota of the current second may be used up. */
async function told(run: FaultRun, toucher: Toucher, how: "w" | "r", pages: number): Promise<Fault> {
  const regions: Region[] = [];
  for (let tries = 0; tries < 200; tries++) {
    regions.push(await toucher.touch(how, pages));
    await Bun.sleep(50);
    const fault = regions.flatMap((region) => run.faultsIn(region))[0];
    if (fault) return fault;
  }
  throw new Error("no page fault was told of");
}

describe.skipIf(reason !== null)(titled("page faults", reason), () => {
  test("are reported at most ten times a second of a process, and the next fault has the number of suppressed faults", async () => {
    await using run = await new FaultRun().start("--page-faults");
    const toucher = new Toucher();
    {
      await using _ends = toucher;
      const written = await told(run, toucher, "w", 200);
      expect(written).toMatchObject({ pid: toucher.pid, comm: "toucher", write: true });
      const read = await told(run, toucher, "r", 200);
      expect(read).toMatchObject({ pid: toucher.pid, comm: "toucher", write: false });
      expect(read.ip).toBeGreaterThan(0);
      // This fault, or an earlier one, carries the number of all suppressed faults.
      await told(run, toucher, "w", 1);
    }
    const ofToucher = await until("all of its faults", () => run.faults().filter(({ pid }) => pid === toucher.pid));
    const { page_faults: counts, received, emitted, lost_by_type } = await run.end();
    if (!counts) throw new Error("no page faults in the summary");

    const carried = ofToucher.reduce((sum, { suppressed }) => sum + suppressed, 0);
    expect(carried).toBeGreaterThan(0);
    expect(ofToucher.length + carried).toBeGreaterThanOrEqual(toucher.pages);
    // Of three successive seconds, the middle second has its full length; a timestamp may be late.
    for (let i = 2 * FAULTS_PER_SECOND; i < ofToucher.length; i++) {
      const sinceNs = (ofToucher[i]?.ts_ns ?? 0) - (ofToucher[i - 2 * FAULTS_PER_SECOND]?.ts_ns ?? 0);
      expect(sinceNs).toBeGreaterThan(0.9e9);
    }
    expect(counts.seen).toBe(counts.emitted + counts.suppressed);
    expect(counts.emitted).toBe(counts.received + counts.lost);
    expect(counts.received).toBe(run.faults().length);
    // Page faults are sent apart from the other types.
    for (const type of ["fork", "exec", "exit"] as const) {
      expect(emitted[type]).toBe(received[type] + lost_by_type[type]);
    }
  });

  test("are reported between the fork and the exit of their process", async () => {
    await using run = await new FaultRun().start("--page-faults");
    const toucher = new Toucher();
    {
      await using _ends = toucher;
      await told(run, toucher, "w", 20);
    }
    await run.end();
    const types = (run.lines() as { type: string; pid?: number }[])
      .filter(({ pid }) => pid === toucher.pid)
      .map(({ type }) => type);
    expect(types[0]).toBe("fork");
    expect(types.at(-1)).toBe("exit");
    expect(types).toContain("page_fault");
  });

  test("are reported only of processes that match the filter", async () => {
    await using run = await new FaultRun().start("--page-faults", "--comm", "toucher");
    await using toucher = new Toucher();
    await using _other = new Toucher();
    await told(run, toucher, "w", 20);
    const { page_faults: counts } = await run.end();
    expect(new Set(run.faults().map(({ comm }) => comm))).toEqual(new Set(["toucher"]));
    // Faults of other processes are counted as received nevertheless.
    expect(counts?.emitted).toBe((counts?.received ?? 0) + (counts?.lost ?? 0));
  });

  test("are sent to a client of /events as in JSON Lines, without other types", async () => {
    const socket = join(directory, "api.sock");
    await using run = await new FaultRun().start("--page-faults", "--listen", `unix:${socket}`);
    await using toucher = new Toucher();
    const url = `http://localhost/events?types=page_fault&pid=${toucher.pid}`;
    await using client = await SseClient.open(url, undefined, socket);
    const written = await told(run, toucher, "w", 20);
    for (;;) {
      const sent = await client.next();
      if (sent === undefined) throw new Error("the stream has ended");
      expect(sent.event).toBe("page_fault");
      const fault = JSON.parse(sent.data) as Fault;
      expect(fault).toMatchObject({ type: "page_fault", pid: toucher.pid, comm: "toucher" });
      if (fault.ts_ns !== written.ts_ns) continue;
      expect(fault).toEqual(written);
      break;
    }
    // A fault during the reading of the counters may be in only one of them, so a later answer is balanced.
    const counts = await until("balanced counts", async () => {
      const answer = await fetch("http://localhost/status", { unix: socket });
      const { page_faults: read } = (await answer.json()) as { page_faults: { [name: string]: number } };
      return read.seen === (read.emitted ?? 0) + (read.suppressed ?? 0) ? read : undefined;
    });
    expect(counts.lost).toBe(0);
    expect(counts.received).toBeGreaterThan(0);
  });

  test("that find no room in a ring are counted as losses of its CPU, in every report of losses", async () => {
    const socket = join(directory, "lossy.sock");
    await using run = await new FaultRun("4KiB").start("--page-faults", "--listen", `unix:${socket}`);
    process.kill(run.pid, "SIGSTOP");
    // Each process causes page faults, and the rings are not read.
    for (let i = 0; i < 100; i++) expect(Bun.spawnSync(["/bin/true"]).exitCode).toBe(0);
    process.kill(run.pid, "SIGCONT");
    const losses = () => (run.lines() as { type: string; count: number }[]).filter(({ type }) => type === "lost");
    await until("losses", () => losses().length > 0);
    const metrics = await (await fetch("http://localhost/metrics", { unix: socket })).text();
    const total = (name: string) =>
      [...metrics.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\d+)$`, "gm"))].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    expect(total("linnix_lost_events_total")).toBeGreaterThan(0);
    expect(total("linnix_cpu_lost_events_total")).toBe(total("linnix_lost_events_total"));
    const { lost, lost_by_cpu, page_faults } = await run.end();
    expect(page_faults?.lost).toBeGreaterThan(0);
    const lostInAll = lost + (page_faults?.lost ?? 0);
    expect(lost_by_cpu.reduce((sum, each) => sum + each.lost, 0)).toBe(lostInAll);
    expect(losses().reduce((sum, { count }) => sum + count, 0)).toBe(lostInAll);
  });

  test("are not reported without the setting, and no program for them is loaded", async () => {
    await using without = await new FaultRun().start();
    await using with_ = await new FaultRun().start("--page-faults");
    expect(bpfIdsOf(without.pid).programs.length).toBe(bpfIdsOf(with_.pid).programs.length - 1);
    await using toucher = new Toucher();
    await told(with_, toucher, "w", 20);
    expect(await without.end()).not.toHaveProperty("page_faults");
    expect(without.faults()).toEqual([]);
  });

  test("are refused with classic tracepoints: the error has the reason and a hint", async () => {
    const run = CollectRun.toEnd(["--page-faults", "--backend", "tracepoint", "--duration", "1s"]);
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--page-faults=true: only the btf backend reports page faults: --backend tracepoint");
    expect(stderr).toContain("leave page faults out");
  });
});
