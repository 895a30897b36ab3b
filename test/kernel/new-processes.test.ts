/** Scans that report new processes, by each method that a kernel may support. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { Sleepers } from "../../src/compare/sleepers.ts";
import { NewOfIterator } from "../../src/observers/new-of-iterator.ts";
import { NewProcesses } from "../../src/observers/new-processes.ts";
import type { NewProcessLook } from "../../src/observers/task-iterator-worker.ts";
import { until } from "../observers/machine-state.ts";
import { bpfIdsOf, bpftool, countOf, descriptorsOf, stillThere } from "./support/bpf-objects.ts";
import { titled, whyNoBtf } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNoBtf();
const forever = new AbortController().signal;

function told(processes: NewProcessLook): { count: number; starts: Map<number, bigint> } {
  const starts = new Map<number, bigint>();
  const count = processes.look((pid, startNs) => {
    expect(starts.has(pid)).toBe(false);
    starts.set(pid, startNs);
  });
  return { count, starts };
}

function sleeper(): Bun.Subprocess {
  return Bun.spawn(["sleep", "60"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
}

const WAYS: Record<string, () => NewProcessLook> = {
  "a walk": () => new NewProcesses(),
  "the task iterator": () => new NewOfIterator(),
};

for (const [way, open] of Object.entries(WAYS)) {
  describe.skipIf(reason !== null)(titled(way, reason), () => {
    test("the first scan reports all processes, each later scan only new processes", () => {
      using processes = open();
      const first = told(processes);
      expect(first.count).toBe(first.starts.size);
      expect(first.starts.has(process.pid)).toBe(true);

      const child = sleeper();
      const second = told(processes);
      expect(second.starts.has(child.pid)).toBe(true);
      expect(second.starts.get(child.pid)).toBeGreaterThan(first.starts.get(process.pid) as bigint);
      expect(second.starts.has(process.pid)).toBe(false);
      expect(told(processes).starts.has(child.pid)).toBe(false);
      child.kill("SIGKILL");
    });

    test("a zombie is not reported", async () => {
      using processes = open();
      // Its child ends at once, and is not waited for.
      const parent = Bun.spawn(["perl", "-e", "$p = fork or exit; print qq($p\\n); $| = 1; sleep 60"], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "ignore",
      });
      await Bun.sleep(200);
      const { starts } = told(processes);
      expect(starts.has(parent.pid)).toBe(true);
      const zombies = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && !starts.has(Number(pid)));
      expect(zombies.length).toBeGreaterThan(0);
      parent.kill("SIGKILL");
      await parent.exited;
    });

    test("closing leaves no descriptor or BPF object behind", async () => {
      const descriptors = descriptorsOf("self").length;
      const processes = open();
      const held = bpfIdsOf("self");
      expect(countOf(held)).toBeGreaterThan(0);
      processes.look(() => {});
      processes[Symbol.dispose]();
      expect(descriptorsOf("self").length).toBeLessThanOrEqual(descriptors);
      // The kernel releases unreferenced objects once every CPU has passed a quiescent state.
      if (bpftool !== null) await until(() => countOf(stillThere(held)) === 0);
    });
  });
}

describe.skipIf(reason !== null)(titled("a walk and the task iterator", reason), () => {
  test("agree on pids and exact start times, even if the processes do not fit into one batch", async () => {
    await using _sleepers = await Sleepers.start(4500, forever);
    using walk = new NewProcesses();
    using iterator = new NewOfIterator();
    const byIterator = told(iterator);
    const byWalk = told(walk);
    const later = told(iterator).starts;
    let differing = 0;
    for (const [pid, startNs] of byWalk.starts) {
      if (byIterator.starts.get(pid) !== startNs && later.get(pid) !== startNs) differing += 1;
    }
    expect(differing).toBe(0);
    expect(byWalk.starts.size).toBeGreaterThan(4500);
    expect(told(walk).starts.size).toBeLessThan(100);
  });
});
