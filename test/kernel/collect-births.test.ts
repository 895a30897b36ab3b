import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { storyOf } from "./support/fixture.ts";
import { allowedCpus, ownCgroupId } from "./support/machine.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { placeOf } from "./support/place.ts";
import { useCollector, useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = whyNoBtf();
const THREADS = 300;

describe.skipIf(reason !== null)(titled("births of processes", reason), () => {
  const collect = useCollector();

  test("fork: a child that executes nothing has every field", async () => {
    const wallFromMs = Date.now();
    const watched = await fixture().watched(collect(), "fork");
    const { main } = watched;
    for (const label of ["exit-0", "exit-1", "exit-255"]) {
      const { fork, execs, exit, truth } = watched.reaped(label);
      const head = {
        pid: truth.pid,
        ppid: main.pid,
        uid: 0,
        gid: 0,
        euid: 0,
        egid: 0,
        comm: "process-fixture",
        start_ns: fork.start_ns,
        cgroup_id: ownCgroupId(),
        ns_pid: truth.pid,
        ...placeOf(fork),
      };
      expect(fork).toMatchObject({ type: "fork", time: fork.time, ts_ns: fork.ts_ns, cpu: fork.cpu, ...head });
      expect(execs).toEqual([]);
      // Its program is its parent's: nothing was executed in between.
      expect(exit).toMatchObject({ ...head, exe: fixture().program, args: [fixture().program, "fork"] });
      expect(Number(fork.ts_ns)).toBeGreaterThan(main.now_ns);
      // The timestamp is taken at the tracepoint, a moment after the start time that the kernel recorded.
      expect(Number(fork.ts_ns - (fork.start_ns ?? 0n))).toBeLessThan(1e9);
      const wallMs = Date.parse(fork.time);
      expect(wallMs).toBeGreaterThanOrEqual(wallFromMs - 1);
      expect(wallMs).toBeLessThanOrEqual(Date.now());
    }
  });

  test("the wall clock and the boot clock differ by the same amount in all events", async () => {
    await fixture().watched(collect(), "fork");
    const offsets = new Set(
      collect().events.map(({ time, ts_ns }) => {
        const [seconds = "", fraction = ""] = time.slice(0, -1).split(".");
        return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction) - ts_ns;
      }),
    );
    const [least = 0n, ...more] = [...offsets].sort((a, b) => (a < b ? -1 : 1));
    // The offset is computed again once a minute, and the wall clock may have been adjusted slightly.
    expect(Number((more.at(-1) ?? least) - least)).toBeLessThan(1e9);
  });

  test("vfork: a child that exits and a child that executes are reported", async () => {
    const { program, leaf } = fixture();
    const watched = await fixture().watched(collect(), "vfork", leaf);
    const ended = watched.reaped("vfork-exit");
    expect(ended.execs).toEqual([]);
    expect(ended.exit).toMatchObject({ exit_code: 7, exe: program, args: [program, "vfork", leaf] });
    const executed = watched.reaped("vfork-exec");
    expect(executed.fork).toMatchObject({ ppid: watched.main.pid, comm: "process-fixture" });
    expect(executed.execs).toMatchObject([{ exe: leaf, args: ["leaf-by-vfork"], comm: "leaf" }]);
    expect(executed.exit).toMatchObject({ exit_code: 8, exe: leaf, args: ["leaf-by-vfork"], comm: "leaf" });
  });

  test("clone3: a child is reported with and without an exit signal", async () => {
    const watched = await fixture().watched(collect(), "clone3");
    expect(watched.reaped("clone3").exit.exit_code).toBe(3);
    expect(watched.reaped("clone3-silent").exit.exit_code).toBe(4);
  });

  test("CLONE_PARENT: the parent is the forker's parent", async () => {
    const watched = await fixture().watched(collect(), "clone-parent");
    const maker = watched.reaped("maker");
    const sibling = watched.reaped("sibling");
    expect(maker.fork.ppid).toBe(watched.main.pid);
    expect(sibling.fork.ppid).toBe(watched.main.pid);
    expect(sibling.exit.ppid).toBe(watched.main.pid);
    // It executes the program of the process that forked it, which need not be the program of its parent.
    expect([sibling.exit.exe, sibling.exit.args]).toEqual([null, null]);
    expect(sibling.fork.ts_ns > maker.fork.ts_ns).toBe(true);
  });

  test("a double fork's orphan goes to the subreaper", async () => {
    const watched = await fixture().watched(collect(), "double-fork", "subreaper");
    const middle = watched.reaped("middle");
    const orphan = watched.reaped("orphan");
    expect(middle.fork.ppid).toBe(watched.main.pid);
    expect(orphan.fork.ppid).toBe(middle.truth.pid);
    expect(orphan.exit).toMatchObject({ ppid: watched.main.pid, exit_code: 4 });
  });

  test("a double fork's orphan goes to init", async () => {
    const { truths } = await fixture().watched(collect(), "double-fork");
    const orphan = truths.self("orphan");
    await collect().event("the orphan's end", ({ type, pid }) => type === "exit" && pid === orphan.pid);
    const { fork, exit } = storyOf(collect().events, orphan);
    expect(fork.ppid).toBe(truths.reaped("middle").pid);
    expect(exit).toMatchObject({ ppid: orphan.ppid, exit_code: 4 });
  });

  test("a chain of thirty processes: each is the parent of the next", async () => {
    const depth = 30;
    const watched = await fixture().watched(collect(), "chain", depth);
    const links = watched.truths.selves("link");
    expect(links).toHaveLength(depth + 1);
    for (const [index, link] of links.entries()) {
      const { fork, exit } = watched.story(link);
      if (index > 0) expect([fork.ppid, exit.ppid]).toEqual([links[index - 1]?.pid ?? 0, links[index - 1]?.pid ?? 0]);
    }
    for (const truth of watched.truths.everyReaped("link")) watched.story(truth);
  });

  test("two hundred processes that exit at once are all reported", async () => {
    const count = 200;
    const watched = await fixture().watched(collect(), "crowd", count);
    const reaped = watched.truths.everyReaped("crowd");
    expect(reaped).toHaveLength(count);
    for (const truth of reaped) {
      const { fork, exit } = watched.story(truth);
      expect(fork.ppid).toBe(watched.main.pid);
      expect(exit).toMatchObject({ ppid: watched.main.pid, exit_code: truth.status >> 8, signal: null });
    }
  });

  test("each event names the CPU that it happened on", async () => {
    const cpus = allowedCpus();
    const watched = await fixture().watched(collect(), "pinned", ...cpus);
    const pinned = watched.truths.everyReaped("pinned");
    expect(pinned).toHaveLength(cpus.length);
    for (const truth of pinned) {
      const { fork, exit } = watched.story(truth);
      expect([fork.cpu, exit.cpu]).toEqual([truth.status >> 8, truth.status >> 8]);
    }
  });

  test("a process in its own pid namespace has two pids", async () => {
    const watched = await fixture().watched(collect(), "pid-namespace");
    const init = watched.truths.self("init");
    const second = watched.truths.self("second");
    expect([init.ns_pid, second.ns_pid]).toEqual([1, 2]);
    for (const { fork, exit } of [watched.story(init), watched.story(second)]) {
      expect(fork.ns_pid).toBe(fork.pid === init.pid ? 1 : 2);
      expect(exit.ns_pid).toBe(fork.ns_pid as number);
    }
    expect(watched.story(init).fork.ppid).toBe(watched.main.pid);
    expect(watched.story(second).fork.ppid).toBe(init.pid);
    expect(watched.story(second).exit).toMatchObject({ ppid: init.pid, exit_code: 2 });
    expect(watched.reaped("init").exit.exit_code).toBe(1);
  });

  test("a process in its own user namespace has the uid of the initial namespace", async () => {
    const watched = await fixture().watched(collect(), "pid-namespace", "user");
    const { fork, exit, truth } = watched.reaped("init");
    // No user is mapped: the process itself sees the overflow uid, its parent sees the true uid.
    expect(watched.truths.self("init").uid).not.toBe(0);
    expect([fork.uid, exit.uid, exit.gid]).toEqual([truth.uid, truth.uid, truth.gid]);
    expect(truth.uid).toBe(0);
  });

  test("the output is valid, and no record is lost", async () => {
    const { summary } = await collect().stop();
    expect(summary).toMatchObject({ type: "summary", backend: "btf", lost: 0, missing_fields: [] });
  });
});

describe.skipIf(reason !== null)(titled("threads", reason), () => {
  const collect = useCollector();

  test("are not reported as processes", async () => {
    const watched = await fixture().watched(collect(), "threads", 8, 1);
    const { execs } = watched.reaped("threaded");
    expect(execs).toEqual([]);
    const children = watched.events.filter(({ type, ppid }) => type === "fork" && ppid === watched.main.pid);
    expect(children.map(({ pid }) => pid)).toEqual([watched.truths.reaped("threaded").pid]);
  });

  for (const [how, args] of [
    ["by itself", []],
    ["by exit_group", ["group"]],
  ] as const) {
    test(`a process whose leader ended first exits with its last thread, which ends ${how}`, async () => {
      const watched = await fixture().watched(collect(), "leader-first", 60, ...args);
      const { exit, truth } = watched.reaped("leader-first");
      const outliving = watched.truths.self("outliving");
      expect(outliving.tid).not.toBe(outliving.pid);
      // The exit is later than the leader's end: the other thread has used 60 ms of CPU time and has written since.
      expect(Number(exit.ts_ns)).toBeGreaterThan(outliving.now_ns);
      expect(Number(exit.duration_ns)).toBeGreaterThan(60e6);
      expect(Number((exit.cpu_user_ns ?? 0n) + (exit.cpu_system_ns ?? 0n))).toBeGreaterThan(60e6);
      // This is the name of the process, not of its last thread.
      expect(exit.comm).toBe("process-fixture");
      expect(exit).toMatchObject({ minor_faults: truth.minor_faults, peak_rss_bytes: truth.max_rss_kib * 1024 });
      const events = watched.events.filter(({ pid }) => pid === truth.pid);
      expect(events.map(({ type }) => type)).toEqual(["fork", "exit"]);
    });
  }

  test("a leader renamed by itself, or by the thread that outlives it, exits under the new name", async () => {
    const itself = (await fixture().watched(collect(), "leader-first", 1, "alone", "itself")).reaped("leader-first");
    expect(itself.exit.comm).toBe("itself");
    const given = await fixture().watched(collect(), "leader-first", 1, "group", "itself", "by-thread");
    expect(given.reaped("leader-first").exit.comm).toBe("by-thread");
  });

  test("an exec by a thread that is not the leader keeps the process", async () => {
    const { leaf } = fixture();
    const watched = await fixture().watched(collect(), "thread-exec", leaf);
    const { fork, execs, exit, truth } = watched.reaped("exec-from-thread");
    const tid = watched.truths.number("exec-from-thread", "tid");
    expect(tid).not.toBe(truth.pid);
    expect(execs).toMatchObject([
      { pid: truth.pid, start_ns: fork.start_ns, exe: leaf, args: ["leaf-by-thread", "of another thread"] },
    ]);
    expect(exit).toMatchObject({ exit_code: 12, start_ns: fork.start_ns, exe: leaf, comm: "leaf" });
    expect(watched.events.filter(({ pid }) => pid === tid)).toEqual([]);
  });

  test("exit_group with 64 busy threads: one exit, with the sums of all threads", async () => {
    const watched = await fixture().watched(collect(), "exit-group", 64, 2);
    const { exit, truth } = watched.reaped("exit-group");
    expect(exit.exit_code).toBe(21);
    expect(exit.minor_faults).toBe(truth.minor_faults);
    expect(exit.minor_faults ?? 0).toBeGreaterThan(watched.truths.number("exit-group", "pages"));
    expect(exit.peak_rss_bytes).toBe(truth.max_rss_kib * 1024);
    const cpuUs = Number((exit.cpu_user_ns ?? 0n) + (exit.cpu_system_ns ?? 0n)) / 1000;
    expect(cpuUs).toBeGreaterThan(1000 * watched.truths.number("exit-group", "spent_ms"));
    const truthUs = truth.user_us + truth.system_us;
    // Each thread still uses CPU time for its teardown after the event.
    expect(Math.abs(cpuUs - truthUs)).toBeLessThan(0.02 * truthUs + 5000);
  });

  test(`exit_group with ${THREADS} sleeping threads: no page fault is missing`, async () => {
    for (let round = 0; round < 3; round++) {
      const watched = await fixture().watched(collect(), "sleeping-threads", THREADS);
      const { exit, truth } = watched.reaped("sleeping");
      expect(exit.exit_code).toBe(22);
      expect(exit.minor_faults).toBe(truth.minor_faults);
      expect(exit.peak_rss_bytes).toBe(truth.max_rss_kib * 1024);
    }
  });

  test("two threads that end at the same moment make one exit", async () => {
    const watched = await fixture().watched(collect(), "thread-race", 200);
    const races = watched.truths.everyReaped("race");
    expect(races).toHaveLength(200);
    for (const truth of races) {
      const { exit } = watched.story(truth);
      expect([exit.exit_code, exit.minor_faults]).toEqual([truth.status >> 8, truth.minor_faults]);
    }
  });

  test("are counted, and the output is valid", async () => {
    const { summary } = await collect().stop();
    const started = 8 + 2 + 2 + 64 + 3 * THREADS + 200;
    expect(summary.threads.started).toBeGreaterThanOrEqual(started);
    expect(summary.threads.exited).toBeGreaterThanOrEqual(started);
    expect(summary.lost).toBe(0);
  });
});
