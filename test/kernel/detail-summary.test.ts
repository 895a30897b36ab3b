import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { Collector } from "../../src/collect/collector.ts";
import { WakeupCounter } from "../../src/procfs/wakeups.ts";
import type { ExecEvent, ExitEvent, TotalsEvent } from "../../src/wire/event.ts";
import { MAX_COMMS } from "../../src/wire/layout.gen.ts";
import { collectorOptions } from "../collect/collector-options.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(120_000);

const directory = mkdtempSync(join(tmpdir(), "linnix-detail-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const BACKENDS = [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const;

const SUMMARY = [...USUAL, "--detail", "summary", "--summary-interval", "500ms"];

let programs = 0;

/** A program whose name no other process has. */
function program(source: "/bin/true" | "/bin/false" = "/bin/true"): { path: string; comm: string } {
  const comm = `ld${process.pid}x${++programs}`.slice(0, 15);
  const path = join(directory, comm);
  copyFileSync(source, path);
  return { path, comm };
}

function run(path: string, times: number): void {
  for (let i = 0; i < times; i++) Bun.spawnSync([path]);
}

function totalsOf(lines: readonly { type: string }[]): TotalsEvent[] {
  return lines.filter(({ type }) => type === "totals") as TotalsEvent[];
}

const exits = ({ exited: { ok, error, signal, unknown } }: TotalsEvent) =>
  (ok ?? 0) + (error ?? 0) + (signal ?? 0) + unknown;

function sum(lines: readonly TotalsEvent[], figure: (line: TotalsEvent) => number | null): number {
  return lines.reduce((all, line) => all + (figure(line) ?? 0), 0);
}

for (const [backend, reason] of BACKENDS) {
  const withBackend = ["--backend", backend];

  describe.skipIf(reason !== null)(titled(`detail summary, ${backend} backend`, reason), () => {
    test("no record of a process is sent, and each event is counted in a totals line", async () => {
      await using collect = await CollectRun.start([...SUMMARY, ...withBackend]);
      const { path, comm } = program();
      const failing = program("/bin/false");
      run(path, 20);
      run(failing.path, 5);
      const { events, others, summary } = await collect.stop();
      expect(events).toEqual([]);
      expect(summary.emitted).toEqual({ fork: 0, exec: 0, exit: 0 });
      const lines = totalsOf(others);
      expect(sum(lines, (line) => line.started)).toBe(summary.folded.fork);
      expect(sum(lines, (line) => line.execs)).toBe(summary.folded.exec);
      expect(sum(lines, exits)).toBe(summary.folded.exit);
      const own = lines.filter((line) => line.comm === comm);
      expect(sum(own, (line) => line.execs)).toBe(20);
      expect(sum(own, exits)).toBe(20);
      const failed = lines.filter((line) => line.comm === failing.comm);
      expect(sum(failed, exits)).toBe(5);
      if (backend === "btf") expect(sum(failed, (line) => line.exited.error)).toBe(5);
      expect(others.filter(({ type }) => type === "sample")).toEqual([]);
    });

    test("totals equal the events of a second collector", async () => {
      await using totals = await CollectRun.start([...SUMMARY, ...withBackend]);
      await using each = await CollectRun.start([...USUAL, ...withBackend]);
      const { path, comm } = program();
      run(path, 200);
      await each.event(
        "the last exit",
        () => each.events.filter((e) => e.type === "exit" && e.comm === comm).length >= 200,
      );
      const lines = totalsOf((await totals.stop()).others).filter((line) => line.comm === comm);
      const events = (await each.stop()).events.filter((event) => event.comm === comm);
      const ends = events.filter(({ type }) => type === "exit") as ExitEvent[];
      expect(sum(lines, (line) => line.execs)).toBe(events.filter(({ type }) => type === "exec").length);
      expect(sum(lines, exits)).toBe(ends.length);
      if (backend !== "btf") return;
      const cpuNs = ends.reduce((all, end) => all + Number(end.cpu_user_ns) + Number(end.cpu_system_ns), 0);
      const totalNs = sum(lines, (line) => (line.exited_cpu_user_ns ?? 0) + (line.exited_cpu_system_ns ?? 0));
      expect(Math.abs(totalNs / cpuNs - 1)).toBeLessThan(0.01);
      const userNs = ends.reduce((all, end) => all + Number(end.cpu_user_ns), 0);
      expect(Math.abs(sum(lines, (line) => line.exited_cpu_user_ns) - userNs)).toBeLessThan(0.01 * cpuNs);
      // These processes end one after the other: if two end at the same time, the smaller peak may be stored.
      expect(Math.max(...lines.map((line) => line.peak_rss_bytes ?? 0))).toBe(
        Math.max(...ends.map((end) => end.peak_rss_bytes ?? 0)),
      );
      const lived = lines.flatMap((line) => line.lifetime_ns ?? []).reduce((all, [, count]) => all + count, 0);
      expect(lived).toBe(ends.length);
    });

    test("SIGHUP switches the detail: every event is counted once, and each process keeps one way of reporting", async () => {
      const path = join(directory, `switch-${backend}.toml`);
      const level = (detail: string) =>
        writeFileSync(path, `[probes]\ndetail = '${detail}'\nsummary_interval = '200ms'\n`, { mode: 0o600 });
      level("events");
      await using collect = await CollectRun.start([...USUAL, ...withBackend, "--config", path]);
      const { path: executed, comm } = program();
      let spawned = 0;
      for (const [index, detail] of ["summary", "events", "summary", "events", "summary"].entries()) {
        level(detail);
        collect.child.kill("SIGHUP");
        const word = /configuration read again/g;
        await until("the switch", () => {
          spawned++;
          Bun.spawnSync([executed]);
          return (collect.stderr.match(word)?.length ?? 0) > index;
        });
        run(executed, 10);
        spawned += 10;
      }
      const { events, others, summary } = await collect.stop();
      const own = events.filter((event) => event.comm === comm);
      const lines = totalsOf(others).filter((line) => line.comm === comm);
      const seen = (type: string) => own.filter((event) => event.type === type).length;
      expect(seen("exec") + sum(lines, (line) => line.execs)).toBe(spawned);
      expect(seen("exit") + sum(lines, exits)).toBe(spawned);
      expect(seen("exec")).toBeGreaterThan(0);
      expect(sum(lines, (line) => line.execs)).toBeGreaterThan(0);
      expect(sum(totalsOf(others), exits)).toBe(summary.folded.exit);
      if (backend !== "btf") return;
      const pids = (type: string) => new Set(own.filter((event) => event.type === type).map(({ pid }) => pid));
      expect(pids("exit")).toEqual(pids("exec"));
      for (const event of own.filter(({ type }) => type === "exit") as (ExitEvent | ExecEvent)[]) {
        expect(event.exe).toBe(executed);
      }
    });

    test("filters are valid at this level as well", async () => {
      const { path, comm } = program();
      await using collect = await CollectRun.start([...SUMMARY, ...withBackend, "--comm", comm]);
      run(path, 7);
      run(program().path, 3);
      const { others, summary } = await collect.stop();
      const lines = totalsOf(others);
      expect(new Set(lines.map((line) => line.comm))).toEqual(new Set([comm]));
      expect(sum(lines, exits)).toBe(7);
      expect(summary.folded).toMatchObject({ exec: 7, exit: 7 });
    });
  });
}

const noCgroups = reasonOf(whyNoBtf(), cgroup2Mount() === undefined && "needs a mounted cgroup2");

describe.skipIf(noCgroups !== null)(titled("bounds of the totals", noCgroups), () => {
  test("a cgroup whose processes rename themselves has 64 names and one group for the rest", async () => {
    await using cgroup = new TestCgroup(cgroup2Mount() ?? "");
    await using collect = await CollectRun.start([...USUAL, "--detail", "summary", "--summary-interval", "1m"]);
    const other = program();
    // A shell's children rename themselves by /proc, as prctl(2) does.
    const script =
      'i=0; while [ $i -lt 150 ]; do (echo "name-$i" > /proc/self/task/$(exec sh -c "echo \\$PPID")/comm); i=$((i+1)); done';
    const { exitCode } = Bun.spawnSync([...inCgroups(cgroup.directory(cgroup.path)), "/bin/sh", "-c", script]);
    expect(exitCode).toBe(0);
    run(other.path, 5);
    const { others, summary } = await collect.stop();
    const lines = totalsOf(others);
    const own = lines.filter((line) => line.cgroup_id === cgroup.id(cgroup.path));
    expect(own.filter((line) => !line.other)).toHaveLength(MAX_COMMS);
    expect(own.filter((line) => line.other)).toHaveLength(1);
    expect(sum(lines, exits)).toBe(summary.folded.exit);
    expect(
      sum(
        lines.filter((line) => line.comm === other.comm),
        exits,
      ),
    ).toBe(5);
  });

  test("a cgroup with few names has a group for each name, and none for a rest", async () => {
    await using cgroup = new TestCgroup(cgroup2Mount() ?? "");
    const paths = Array.from({ length: 12 }, (_, index) => cgroup.make(`c${index}`));
    const { path, comm } = program();
    const lines: TotalsEvent[] = [];
    const filters = { ...collectorOptions().filters, comms: [comm] };
    const options = collectorOptions({ detail: "summary", totalsPlaces: 16, summaryIntervalMs: 60_000, filters });
    using collector = new Collector(options, { event() {}, idle() {}, totals: (taken) => lines.push(...taken) });
    collector.start();
    for (const place of paths) Bun.spawnSync([...inCgroups(cgroup.directory(place)), path]);
    await collector.stop();
    expect(lines.filter((line) => line.other)).toEqual([]);
    const ids = lines.map((line) => String(line.cgroup_id)).sort();
    expect(ids).toEqual(paths.map((place) => String(cgroup.id(place))).sort());
    expect(lines.map((line) => [line.comm, line.execs, exits(line)])).toEqual(paths.map(() => [comm, 1, 1]));
  });

  test("groups without a slot are counted in one group for the rest, and nothing is lost", async () => {
    const lines: TotalsEvent[] = [];
    const options = collectorOptions({ detail: "summary", totalsPlaces: 8, summaryIntervalMs: 60_000 });
    using collector = new Collector(options, { event() {}, idle() {}, totals: (taken) => lines.push(...taken) });
    collector.start();
    for (let i = 0; i < 30; i++) run(program().path, 1);
    await collector.stop();
    const { folded, seen } = collector.counts();
    expect(folded).toEqual(seen);
    expect(lines.filter((line) => !line.other).length).toBeLessThanOrEqual(8);
    const rest = lines.filter((line) => line.other && line.cgroup_id === null);
    expect(rest).toHaveLength(1);
    expect(sum(lines, (line) => line.started)).toBe(folded.fork);
    expect(sum(lines, (line) => line.execs)).toBe(folded.exec);
    expect(sum(lines, exits)).toBe(folded.exit);
  });
});

describe.skipIf(whyNotHere() !== null)(titled("a collector at detail summary", whyNotHere()), () => {
  const SLOW = ["--format", "jsonl", "--summary-interval", "60s", "--sample-interval", "0"];
  const wakeupsIn6S = async (more: readonly string[]): Promise<number> => {
    await using collect = await CollectRun.start([...SLOW, ...more]);
    // Loading and compiling are over.
    await Bun.sleep(3000);
    const wakeups = new WakeupCounter(collect.child.pid);
    wakeups.read();
    const { path } = program();
    for (let i = 0; i < 6; i++) {
      run(path, 20);
      await Bun.sleep(1000);
    }
    return wakeups.read();
  };

  test("does not wake up for events, nor to read empty rings", async () => {
    const [events, summary] = await Promise.all([wakeupsIn6S([]), wakeupsIn6S(["--detail", "summary"])]);
    // At `events` it reads the rings each second. A few wake-ups belong to threads of the runtime.
    expect(events).toBeGreaterThanOrEqual(6);
    expect(summary).toBeLessThan(events / 2);
  });

  test("still looks each second whether a watched process runs", async () => {
    const target = Bun.spawn(["sleep", "1000"]);
    await using collect = await CollectRun.start([...SLOW, "--detail", "summary", "--pid", String(target.pid)]);
    target.kill("SIGKILL");
    await target.exited;
    await until("the warning", () => collect.stderr.includes("has ended") || undefined, 10_000);
  });
});

describe.skipIf(whyNoBtf() !== null)(titled("after a switch from detail summary", whyNoBtf()), () => {
  test("the kernel side drops that level once no process has it, and each event is counted once", async () => {
    const lines: TotalsEvent[] = [];
    const options = collectorOptions({ summaryIntervalMs: 500 });
    using collector = new Collector(options, { event() {}, idle() {}, totals: (taken) => lines.push(...taken) });
    collector.start();
    const { detail } = collector.backend;
    collector.setDetail("summary");
    await Bun.sleep(50);
    const child = Bun.spawn(["/bin/sh", "-c", "read line"], { stdin: "pipe" });
    collector.setDetail("events");
    await Bun.sleep(7000);
    expect(detail.levels.has("summary")).toBe(true);
    child.stdin.end();
    await child.exited;
    const { table } = collector;
    // Other processes of this machine may have started within that time, and still run.
    const hasOthers = () =>
      [...table.liveSlots()].some(
        (slot) => detail.levelOf(table.startNs(slot)) === "summary" && existsSync(`/proc/${table.pid(slot)}`),
      );
    await until("the levels", () => !detail.isSwitched || hasOthers());
    await collector.stop();
    const { folded } = collector.counts();
    expect(sum(lines, (line) => line.execs)).toBe(folded.exec);
    expect(sum(lines, exits)).toBe(folded.exit);
    expect(folded.exit).toBeGreaterThan(0);
  });
});

describe.skipIf(whyNotHere() !== null)(titled("the API at detail summary", whyNotHere()), () => {
  test("lists live processes from scans, and refuses streams of events that are not sent", async () => {
    await using collect = await CollectRun.start([...SUMMARY, "--listen", "127.0.0.1:0", "--sample-interval", "0"]);
    const url = await until("the address", () => /answering at (\S+)/.exec(collect.stderr)?.[1]);
    const live = Bun.spawn(["/bin/sh", "-c", "read line", "--shown"], { stdin: "pipe" });
    const shown = await until("the process", async () => {
      const { processes } = (await (await fetch(`${url}processes?limit=10000`)).json()) as {
        processes: { pid: number; args: string[] | null }[];
      };
      return processes.find(({ pid, args }) => pid === live.pid && args !== null);
    });
    expect(shown.args).toEqual(["/bin/sh", "-c", "read line", "--shown"]);
    live.stdin.end();
    await live.exited;
    await until("its end", async () => {
      const { processes } = (await (await fetch(`${url}processes?limit=10000`)).json()) as {
        processes: { pid: number }[];
      };
      return !processes.some(({ pid }) => pid === live.pid);
    });
    const refused = await fetch(`${url}events?types=exec,totals`);
    expect(refused.status).toBe(409);
    expect(await refused.json()).toMatchObject({ status: 409, levels: ["summary"] });
    const controller = new AbortController();
    const stream = await fetch(`${url}events?types=totals`, { signal: controller.signal });
    expect(stream.status).toBe(200);
    const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    await until("totals", async () => {
      Bun.spawnSync(["/bin/true"]);
      text += new TextDecoder().decode((await reader.read()).value);
      return text.includes("event: totals");
    });
    controller.abort();
    await collect.stop();
  });
});
