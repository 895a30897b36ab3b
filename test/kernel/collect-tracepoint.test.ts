import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { USUAL } from "./support/collect-run.ts";
import { ownCgroupId } from "./support/machine.ts";
import { titled, whyNotHere } from "./support/needs.ts";
import { placeOf } from "./support/place.ts";
import { useCollector, useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = whyNotHere();

/** Fields that no classic tracepoint reports. */
const UNKNOWN = {
  parent_start_ns: null,
  euid: null,
  egid: null,
  auid: null,
  exit_code: null,
  signal: null,
  core_dumped: null,
  cpu_user_ns: null,
  cpu_system_ns: null,
  peak_rss_bytes: null,
  minor_faults: null,
  major_faults: null,
  read_bytes: null,
  write_bytes: null,
};

describe.skipIf(reason !== null)(titled("the tracepoint backend", reason), () => {
  const collect = useCollector([...USUAL, "--backend", "tracepoint"]);

  test("reports its name, and the fields that it cannot report", () => {
    expect(collect().stderr).toContain("watching by the tracepoint backend");
    for (const name of ["start_ns", "args", "peak_rss_bytes"]) expect(collect().stderr).toContain(name);
  });

  test("fork: has every field of a child that executes nothing", async () => {
    const watched = await fixture().watched(collect(), "fork");
    for (const truth of watched.truths.everyReaped()) {
      const { fork, execs, exit } = watched.story(truth);
      const head = {
        pid: truth.pid,
        ppid: watched.main.pid,
        uid: 0,
        gid: 0,
        comm: "process-fixture",
        start_ns: null,
        cgroup_id: ownCgroupId(),
        ...placeOf(fork),
      };
      expect(fork).toMatchObject({ type: "fork", time: fork.time, ts_ns: fork.ts_ns, cpu: fork.cpu, ...head });
      expect(execs).toEqual([]);
      // It executes what its parent does; of that the path is known.
      const { time, ts_ns, cpu } = exit;
      expect(exit).toMatchObject({
        type: "exit",
        time,
        ts_ns,
        cpu,
        ...head,
        ...UNKNOWN,
        duration_ns: ts_ns - fork.ts_ns,
        exe: fixture().program,
        args: null,
        args_truncated: null,
        exe_truncated: false,
      });
    }
  });

  test("exec: has path, name and previous name, but no arguments", async () => {
    const { leaf } = fixture();
    const watched = await fixture().watched(collect(), "exec-path", leaf, "leaf", "argument");
    const { execs, exit } = watched.story(watched.truths.reaped("executed"));
    const [exec] = execs;
    expect(execs).toHaveLength(1);
    expect(exec).toMatchObject({
      ppid: watched.main.pid,
      comm: "leaf",
      old_comm: "process-fixture",
      exe: leaf,
      args: null,
      args_truncated: null,
      exe_truncated: false,
    });
    expect(exit).toMatchObject({ ...UNKNOWN, exe: leaf, args: null, comm: "leaf" });
  });

  test("exec by a relative path: has the path as given", async () => {
    const watched = await fixture().watched(collect(), "exec-in", fixture().directory, "./leaf", "x");
    expect(watched.story(watched.truths.reaped("executed")).execs).toMatchObject([{ exe: "./leaf" }]);
  });

  test("the previous name of an exec is the name right before the exec", async () => {
    const watched = await fixture().watched(collect(), "exec-renamed", "renamed", fixture().leaf, "x");
    const { execs } = watched.story(watched.truths.reaped("executed"));
    expect(execs).toMatchObject([{ old_comm: "renamed", comm: "leaf" }]);
  });

  test("vfork and clone3 are forks", async () => {
    const vforked = await fixture().watched(collect(), "vfork", fixture().leaf);
    expect(vforked.story(vforked.truths.reaped("vfork-exit")).fork.ppid).toBe(vforked.main.pid);
    expect(vforked.story(vforked.truths.reaped("vfork-exec")).execs).toHaveLength(1);
    const cloned = await fixture().watched(collect(), "clone3");
    for (const truth of cloned.truths.everyReaped()) expect(cloned.story(truth).fork.ppid).toBe(cloned.main.pid);
  });

  test("CLONE_PARENT: the parent is null, not guessed", async () => {
    const watched = await fixture().watched(collect(), "clone-parent");
    expect([null, watched.main.pid]).toContain(watched.story(watched.truths.reaped("sibling")).fork.ppid);
  });

  test("the parent of an orphan at its exit is null, not guessed", async () => {
    const watched = await fixture().watched(collect(), "double-fork", "subreaper");
    const { fork, exit } = watched.story(watched.truths.reaped("orphan"));
    expect(fork.ppid).toBe(watched.truths.reaped("middle").pid);
    expect([null, watched.main.pid]).toContain(exit.ppid);
  });

  test("threads are not reported as processes, and a process exits with its last thread", async () => {
    for (const [scenario, args, label] of [
      ["threads", [8, 1], "threaded"],
      ["leader-first", [60], "leader-first"],
      ["leader-first", [60, "group"], "leader-first"],
      ["leader-first", [1, "alone", "itself"], "leader-first"],
      ["leader-first", [1, "group", "itself", "by-thread"], "leader-first"],
      ["exit-group", [64, 1], "exit-group"],
      ["sleeping-threads", [100], "sleeping"],
    ] as const) {
      const watched = await fixture().watched(collect(), scenario, ...args);
      const truth = watched.truths.reaped(label);
      const { execs, exit } = watched.story(truth);
      expect(execs).toEqual([]);
      expect(exit.comm).toBe(truth.comm);
      if (scenario === "leader-first")
        expect(Number(exit.ts_ns)).toBeGreaterThan(watched.truths.self("outliving").now_ns);
    }
  });

  test("an exec by a thread that is not the leader keeps the process", async () => {
    const watched = await fixture().watched(collect(), "thread-exec", fixture().leaf);
    const { execs } = watched.story(watched.truths.reaped("exec-from-thread"));
    expect(execs).toMatchObject([{ exe: fixture().leaf, comm: "leaf" }]);
  });

  test("two threads that end at the same moment make one exit", async () => {
    const watched = await fixture().watched(collect(), "thread-race", 100);
    for (const truth of watched.truths.everyReaped("race")) watched.story(truth);
  });

  test("the exit status of a process is null, not guessed", async () => {
    const watched = await fixture().watched(collect(), "signal", 9);
    const { exit } = watched.story(watched.truths.reaped("signal"));
    expect(exit).toMatchObject(UNKNOWN);
  });

  test("events have the user and the group at the time of the event", async () => {
    const watched = await fixture().watched(collect(), "ids", 2345, 1234);
    const { fork, exit } = watched.story(watched.truths.reaped("turned-user"));
    expect([fork.uid, fork.gid, exit.uid, exit.gid]).toEqual([0, 0, 2345, 1234]);
  });

  test("a process in its own pid namespace has its pid outside", async () => {
    const watched = await fixture().watched(collect(), "pid-namespace");
    const init = watched.truths.self("init");
    const { fork } = watched.story(init);
    expect([fork.pid, fork.ppid]).toEqual([init.pid, watched.main.pid]);
    const second = watched.story(watched.truths.self("second")).exit;
    expect([second.pid, second.ppid]).toEqual([watched.truths.self("second").pid, init.pid]);
  });

  test("the output is valid, and no record is lost", async () => {
    const { summary } = await collect().stop();
    expect(summary).toMatchObject({ backend: "tracepoint", lost: 0 });
    expect(summary.missing_fields).toEqual(expect.arrayContaining(Object.keys(UNKNOWN)));
    expect(summary.missing_fields).toEqual(expect.arrayContaining(["start_ns", "ns_pid", "args", "args_truncated"]));
    expect(summary.threads.started).toBeGreaterThanOrEqual(8 + 2 + 64 + 100 + 2 + 100);
  });
});
