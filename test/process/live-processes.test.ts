import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { textOf } from "../../src/json/text.ts";
import { openProcessLister } from "../../src/process/live-processes.ts";
import type { ProcessLister } from "../../src/process/process-lister.ts";
import { hasKernelPids } from "../../src/procfs/pid-namespace.ts";
import { readProcStat } from "../../src/procfs/proc-stat.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { KNOWN_PPID, PROCESS_EVENT } from "../../src/wire/layout.gen.ts";

interface Listed {
  pid: number;
  ppid: number;
  uid: number;
  flags: number;
  comm: string;
}

/** Every process that the lister of this user and kernel reports: the task iterator for root, /proc for others. */
function listed(): Listed[] {
  using lister = openProcessLister();
  return listedBy(lister);
}

function listedBy(lister: ProcessLister): Listed[] {
  const processes: Listed[] = [];
  const comm = new Uint8Array(PROCESS_EVENT.comm_len);
  lister.list((record) => {
    record.copy(PROCESS_EVENT.comm, comm.length, comm, 0);
    processes.push({
      pid: record.u32(PROCESS_EVENT.pid),
      ppid: record.u32(PROCESS_EVENT.ppid),
      uid: record.u32(PROCESS_EVENT.uid),
      flags: record.u32(PROCESS_EVENT.known),
      comm: textOf(comm),
    });
  });
  return processes;
}

describe("the list of processes", () => {
  test("has this process once, with its parent, owner and name", () => {
    const own = listed().filter(({ pid }) => pid === process.pid);
    expect(own).toMatchObject([
      {
        ppid: process.ppid,
        uid: process.getuid?.() ?? -1,
        comm: readFileSync("/proc/self/comm", "utf8").trimEnd(),
      },
    ]);
    expect((own[0]?.flags ?? 0) & KNOWN_PPID).toBe(KNOWN_PPID);
  });

  test("has no thread, and no process twice", () => {
    const pids = listed().map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(pids.length);
    const threads = new Set(pids.filter((pid) => tgidOf(pid) !== pid && tgidOf(pid) !== undefined));
    expect([...threads]).toEqual([]);
  });

  test("has every process of /proc, if /proc has the same pids", () => {
    if (!hasKernelPids()) return;
    const before = running();
    const pids = new Set(listed().map(({ pid }) => pid));
    const after = running();
    // Processes that ran during the whole list.
    const leftOut = [...before].filter(([pid, start]) => after.get(pid) === start && !pids.has(pid));
    expect(leftOut).toEqual([]);
    expect(pids).toContain(1);
  });

  test("comes from /proc once the kernel refuses the iterator, as some kernels do after root was dropped", () => {
    if (!hasKernelPids()) return;
    let isRefused = false;
    let closed = 0;
    const iterator = (): ProcessLister => ({
      source: "task-iterator",
      list() {
        if (isRefused) throw new NativeError("bpf_iter_create", constants.errno.EPERM);
      },
      [Symbol.dispose]: () => void closed++,
    });
    {
      using lister = openProcessLister(iterator);
      expect([
        listedBy(lister)
          .map(({ pid }) => pid)
          .includes(process.pid),
        lister.source,
      ]).toEqual([true, "task-iterator"]);
      isRefused = true;
      for (let i = 0; i < 2; i++) expect(listedBy(lister).map(({ pid }) => pid)).toContain(process.pid);
      expect(lister.source).toBe("proc");
    }
    expect(closed).toBe(1);
    using other = openProcessLister(() => ({ ...iterator(), list: () => expect.unreachable("what the caller did") }));
    expect(() => other.list(() => {})).toThrow("what the caller did");
  });

  test("has a process as long as it runs, in each list of one lister", async () => {
    using lister = openProcessLister();
    const pids = () => listedBy(lister).map(({ pid }) => pid);
    const before = pids();
    const child = Bun.spawn(["/bin/cat"], { stdin: "pipe", stdout: "ignore" });
    const during = pids();
    expect(during).toContain(child.pid);
    child.stdin.end();
    await child.exited;
    const after = pids();
    expect(after).not.toContain(child.pid);
    // Process 1, which a kernel may hide from the task iterator, is in all lists.
    for (const list of [before, during, after]) {
      if (hasKernelPids()) expect(list).toContain(1);
      expect(list).toContain(process.pid);
      expect(new Set(list).size).toBe(list.length);
    }
  });
});

/** Start in ticks, by pid, of all processes in /proc except zombies. */
function running(): Map<number, number> {
  const stats = readdirSync("/proc").map((name) => (/^\d+$/.test(name) ? readProcStat(Number(name)) : null));
  return new Map(
    stats.flatMap((stat) => (stat !== null && stat.state !== "Z" ? [[stat.pid, stat.startTicks] as const] : [])),
  );
}

/** The tgid of a task, from /proc; undefined if the task is gone. */
function tgidOf(pid: number): number | undefined {
  try {
    return Number(/^Tgid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}
