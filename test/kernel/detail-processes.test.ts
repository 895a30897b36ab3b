import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector } from "../../src/collect/collector.ts";
import type { EndedEvent } from "../../src/wire/event.ts";
import { EVENT_PROCESS } from "../../src/wire/layout.gen.ts";
import type { ExitEvent, ProcessEvent } from "./support/collect-output.ts";
import { CollectRun, type EndedWell, USUAL, until } from "./support/collect-run.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(120_000);

const directory = mkdtempSync(join(tmpdir(), "linnix-processes-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const fixture = useFixture(whyNotHere());

const BACKENDS = [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const;

/** Stands for the path of the program to execute. */
const LEAF = "leaf";

/** Scenarios of the fixture: each creates or ends processes in a different way. */
const SCENARIOS: readonly (readonly [scenario: string, ...args: (string | number)[]])[] = [
  ["fork"],
  ["vfork", LEAF],
  ["clone3"],
  ["double-fork"],
  ["chain", 5],
  ["threads", 8, 1],
  ["leader-first", 60],
  ["thread-exec", LEAF],
  ["exit-group", 64, 2],
  ["exec-args", LEAF, "one"],
  ["exec-args", LEAF, "empty-last"],
  ["exec-args", LEAF, "newlines"],
  ["exec-args", LEAF, "many"],
];

function linesOf({ others }: { others: readonly { type: string }[] }): EndedEvent[] {
  return others.filter(({ type }) => type === "process") as EndedEvent[];
}

/** Waits for the line of a process, and returns it. */
function lineOf(collect: CollectRun, pid: number): Promise<EndedEvent> {
  return until(`the line of process ${pid}`, () => linesOf(collect).find((line) => line.pid === pid));
}

/** The line of a process that its events lead to. */
function expectedLine(events: readonly ProcessEvent[], exit: ExitEvent): object {
  const own = events.filter(({ pid, start_ns }) => pid === exit.pid && (start_ns ?? 0n) === (exit.start_ns ?? 0n));
  const fork = own.find(({ type }) => type === "fork");
  const { ppid, parent_start_ns } = fork ?? exit;
  const execs = own.filter(({ type }) => type === "exec").length;
  // Each collector takes its own timestamps. Under cgroup v1, places are read from /proc while the process lives.
  const { time, ts_ns, duration_ns, cpu_user_ns, cpu_system_ns, cgroup, container, unit, ...same } = exit;
  return { ...same, type: "process", ppid, parent_start_ns, exec_count: fork ? execs : null };
}

function withoutTimes(line: EndedEvent): object {
  const { time, ts_ns, duration_ns, cpu_user_ns, cpu_system_ns, cgroup, container, unit, ...same } = line;
  return same;
}

for (const [backend, reason] of BACKENDS) {
  const EVENTS = [...USUAL, "--sample-interval", "0", "--backend", backend];
  const PROCESSES = [...EVENTS, "--detail", "processes"];

  describe.skipIf(reason !== null)(titled(`detail processes, ${backend} backend`, reason), () => {
    test("the line of each process agrees with the events of a second collector", async () => {
      await using each = await CollectRun.start(EVENTS);
      await using collect = await CollectRun.start(PROCESSES);
      const pids: number[] = [];
      for (const [scenario, ...args] of SCENARIOS) {
        const given = args.map((arg) => (arg === LEAF ? fixture().leaf : arg));
        pids.push((await fixture().run(scenario, given)).main.pid);
      }
      const last = pids.at(-1) as number;
      await each.event("the last exit", ({ type, pid }) => type === "exit" && pid === last);
      await lineOf(collect, last);
      const { events, summary } = await collect.stop();
      const lines = linesOf({ others: collect.others });
      expect(events).toEqual([]);
      expect(summary.emitted).toMatchObject({ fork: 0, exec: 0, exit: lines.length });
      expect(summary.folded.fork).toBe(summary.seen.fork);
      expect(summary.folded.exec).toBe(summary.seen.exec);
      const seen = (await each.stop()).events;
      const forked = new Set(seen.filter(({ type }) => type === "fork").map(({ pid }) => pid));
      const exits = seen.filter(({ type, pid }) => type === "exit" && forked.has(pid)) as ExitEvent[];
      const family = new Set(pids);
      // Parents may end before their children, so the family is found by its forks.
      for (const { type, pid, ppid } of seen) if (type === "fork" && ppid !== null && family.has(ppid)) family.add(pid);
      const own = exits.filter(({ pid }) => family.has(pid));
      expect(own.length).toBeGreaterThan(pids.length + 10);
      for (const exit of own) {
        const line = lines.find(({ pid, start_ns }) => pid === exit.pid && start_ns === exit.start_ns);
        expect(line && withoutTimes(line)).toEqual(expectedLine(seen, exit));
      }
    });

    test("a process that overwrites its arguments keeps its image, and so does its child without exec", async () => {
      await using collect = await CollectRun.start(PROCESSES);
      const script = '$0 = "renamed by itself"; my $child = fork(); exit 7 if $child == 0; waitpid($child, 0);';
      const child = Bun.spawn(["perl", "-e", script, "given"]);
      await child.exited;
      const line = await lineOf(collect, child.pid);
      const args = backend === "btf" ? ["perl", "-e", script, "given"] : null;
      expect(line).toMatchObject({
        args,
        exec_count: 1,
        comm: "renamed by itse",
        exit_code: backend === "btf" ? 0 : null,
      });
      const inherited = await until("its child", () => linesOf(collect).find(({ ppid }) => ppid === child.pid));
      expect(inherited).toMatchObject({ args, exe: line.exe, exec_count: 0 });
      await collect.stop();
    });

    test("a process that is older than the run has the figures and the image of its whole life", async () => {
      const older = Bun.spawn([
        "perl",
        "-e",
        "$SIG{USR1} = sub { exit 3 unless fork(); wait(); exit 0 }; sleep 60",
        "old",
      ]);
      await until(
        "perl to sleep",
        () => Bun.spawnSync(["grep", "-q", "perl", `/proc/${older.pid}/comm`]).exitCode === 0,
      );
      await Bun.sleep(200);
      await using collect = await CollectRun.start(PROCESSES);
      older.kill("SIGUSR1");
      await older.exited;
      const line = await lineOf(collect, older.pid);
      expect(line).toMatchObject({ exec_count: null, args: expect.arrayContaining(["old"]) });
      if (backend === "btf") expect(Number(line.duration_ns)).toBeGreaterThan(200e6);
      const child = await until("its child", () => linesOf(collect).find(({ ppid }) => ppid === older.pid));
      expect(child).toMatchObject({ exec_count: 0, args: line.args, exe: line.exe });
      await collect.stop();
    });

    test("--min-duration filters the lines of shorter processes", async () => {
      await using collect = await CollectRun.start([...PROCESSES, "--min-duration", "400ms"]);
      const short = Bun.spawn(["true"]);
      const long = Bun.spawn(["sleep", "0.5"]);
      await Promise.all([short.exited, long.exited]);
      await lineOf(collect, long.pid);
      const { summary } = await collect.stop();
      expect(linesOf(collect).some(({ pid }) => pid === short.pid)).toBe(false);
      expect(summary.filtered.exit).toBeGreaterThan(0);
    });

    test("redaction hides arguments", async () => {
      await using collect = await CollectRun.start([...PROCESSES, "--redact"]);
      const child = Bun.spawn(["sleep", "0.01", "0.02"]);
      await child.exited;
      const { args } = await lineOf(collect, child.pid);
      expect(args).toEqual(backend === "btf" ? ["sleep", "[redacted]", "[redacted]"] : null);
      await collect.stop();
    });

    test("--comm matches a process by its name at its exit", async () => {
      await using collect = await CollectRun.start([...PROCESSES, "--comm", "found at the en"]);
      const child = Bun.spawn(["perl", "-e", '$0 = "found at the end"', "given"]);
      await child.exited;
      const line = await lineOf(collect, child.pid);
      expect(line.exec_count).toBe(1);
      if (backend === "btf") expect(line.args).toContain("given");
      await collect.stop();
    });

    test("SIGHUP switches the detail: each process is reported once, and every event is counted once", async () => {
      const path = join(directory, `switch-${backend}.toml`);
      const write = (detail: string) => writeFileSync(path, `[probes]\ndetail = '${detail}'\n`, { mode: 0o600 });
      write("events");
      await using collect = await CollectRun.start([...EVENTS, "--config", path]);
      const spawned: number[] = [];
      // Its fork is reported as an event, and so is its exit.
      const across = Bun.spawn(["sleep", "600"]);
      for (const [index, detail] of ["processes", "events", "processes"].entries()) {
        write(detail);
        collect.child.kill("SIGHUP");
        await until("the switch", () => {
          spawned.push(Bun.spawnSync(["true", String(index)]).pid);
          return (collect.stderr.match(/configuration read again/g)?.length ?? 0) > index;
        });
        // A switch is valid for processes that start 20 ms after it.
        await Bun.sleep(50);
        for (let i = 0; i < 20; i++) spawned.push(Bun.spawnSync(["true", String(index)]).pid);
      }
      across.kill();
      await across.exited;
      const ended: EndedWell = await collect.stop();
      const exits = ended.events.filter(({ type }) => type === "exit").map(({ pid }) => pid);
      const lines = linesOf(ended);
      for (const pid of spawned) {
        expect([
          pid,
          exits.filter((exit) => exit === pid).length + lines.filter((line) => line.pid === pid).length,
        ]).toEqual([pid, 1]);
      }
      expect(lines.length).toBeGreaterThanOrEqual(40);
      if (backend === "btf") expect(exits).toContain(across.pid);
    });
  });
}

test.skipIf(whyNoBtf() !== null)(
  titled("a process without room for its image has no arguments, and is counted", whyNoBtf()),
  async () => {
    const seen = new Map<number, string[] | null>();
    const collector = new Collector(
      {
        backend: "btf",
        events: ["fork", "exec", "exit"],
        detail: "processes",
        imageRoom: { images: 4, largeImages: 1 },
        maxArgsBytes: 2048,
        filters: { pids: [], uids: [], comms: [], cgroup: null, minDurationNs: 0 },
        ringBytes: 1 << 20,
        watermarkBytes: 1 << 18,
        flushIntervalMs: 10,
        lingerMs: 1000,
        sampleIntervalMs: 0,
        rssThresholdBytes: 0,
      },
      {
        event: (view) => {
          if (view.type === EVENT_PROCESS) seen.set(view.pid, view.argsText);
        },
        idle: () => {},
      },
    );
    try {
      collector.start();
      const many = Array.from({ length: 12 }, (_, i) => Bun.spawn(["sleep", "0.5", `0.0${i}`]));
      await Promise.all(many.map(({ exited }) => exited));
      await collector.stop();
      const known = many.map(({ pid }) => seen.get(pid));
      // All processes are reported; those with room have their own arguments.
      expect(known.every((args) => args !== undefined)).toBe(true);
      expect(known.filter((args) => args === null).length).toBeGreaterThanOrEqual(12 - 4);
      for (const [i, args] of known.entries()) if (args) expect(args).toEqual(["sleep", "0.5", `0.0${i}`]);
      expect(collector.backend.noRoom().images).toBeGreaterThanOrEqual(12 - 4);
      expect(collector.isBalanced()).toBe(true);
      expect(collector.conditions.active.get("map_full")).toContain("args");
    } finally {
      collector.close();
    }
  },
);
