import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { parseMountinfo } from "../../src/procfs/mountinfo.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import type { NamespaceTable } from "./support/namespace-table.ts";
import { programPath, reasonOf, succeeds, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(60_000);

/** A pid namespace with its own /proc, as in a container. */
const CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const canUnshare = programPath("unshare") !== null && succeeds("unshare", "--pid", "--fork", "--mount-proc", "true");
const why = reasonOf(whyNotHere(), !canUnshare && "needs unshare");
const noBtf = reasonOf(why, whyNoBtf());
const [major = 0, minor = 0] = release().split(".").map(Number);
const hasWalk = major > 6 || (major === 6 && minor >= 7);
const noWalk = reasonOf(noBtf, !hasWalk && "needs Linux 6.7");

const folder = mkdtempSync(join(tmpdir(), "linnix-pid-namespace-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a process table in its own pid namespace; `use` starts processes outside and asks the table about them. */
async function withTable(lister: "best" | "iterator", use: (ask: (pid: number) => Promise<NamespaceTable>) => unknown) {
  const script = join(import.meta.dir, "support/namespace-table.ts");
  const child = Bun.spawn([...CONTAINER, process.execPath, script, lister], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  try {
    // biome-ignore lint/suspicious/noExplicitAny: the two kinds of streams differ in their types only
    const lines = createInterface({ input: Readable.fromWeb(child.stdout as any) })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("watching");
    await use(async (pid) => {
      child.stdin.write(`${pid}\n`);
      child.stdin.flush();
      return JSON.parse((await lines.next()).value ?? "null") as NamespaceTable;
    });
  } finally {
    child.stdin.end();
    child.kill("SIGKILL");
    await child.exited;
  }
}

describe.skipIf(noBtf !== null)(titled("the table in a pid namespace", noBtf), () => {
  test.skipIf(noWalk !== null)(
    titled("lists running processes outside the namespace, and finds lost exits", noWalk),
    async () => {
      await withTable("best", async (ask) => {
        const outside = Bun.spawn(["/bin/sleep", "60"]);
        try {
          const table = await ask(outside.pid);
          expect(table.hasProcess).toBeTrue();
          // This process ran before the start.
          expect(await ask(process.pid)).toMatchObject({ hasProcess: true, hasImage: false });
          // The table finds the one process whose exit was lost, and no other.
          expect(table).toMatchObject({ hasGhost: false, lostExits: 1 });
          expect(table).toMatchObject({ conditions: ["foreign_pid_namespace"] });
        } finally {
          outside.kill("SIGKILL");
          await outside.exited;
        }
        expect(await ask(outside.pid)).toMatchObject({ hasProcess: false, lostExits: 1 });
      });
    },
  );

  test("keeps processes that no list shows, on a kernel that lists only the namespace", async () => {
    await withTable("iterator", async (ask) => {
      const outside = Bun.spawn(["/bin/sleep", "60"]);
      try {
        const table = await ask(outside.pid);
        expect(table).toMatchObject({ hasProcess: true, hasGhost: true, lostExits: 0 });
      } finally {
        outside.kill("SIGKILL");
        await outside.exited;
      }
      expect(await ask(outside.pid)).toMatchObject({ hasProcess: false, lostExits: 0 });
    });
  });
});

/** A prefix that runs a script in a namespace; the script then executes linnix as the namespace's first process. */
function inContainer(script: string): string[] {
  return [...CONTAINER, "/bin/sh", "-c", `${script}; exec "$0" "$@"`];
}

for (const backend of ["btf", "tracepoint"] as const) {
  const args = [...USUAL, "--backend", backend, "--sample-interval", "100ms", "--duration", "3s"];

  // The task iterator translates the pid for both backends.
  describe.skipIf(noBtf !== null)(titled(`--pid in a pid namespace, ${backend} backend`, noBtf), () => {
    test("watches the process with that pid in the namespace and its descendants, until the last one ends", async () => {
      const fifo = join(folder, `fifo-${backend}`);
      expect(succeeds("mkfifo", fifo)).toBeTrue();
      // The pid in the namespace is small: on the host, a kernel thread has it.
      const script = `(read line < ${fifo}; /bin/true watched; :) & watched=$!; exec "$0" "$@" --pid $watched`;
      await using collect = await CollectRun.start(args, { before: inContainer(script) });
      expect(succeeds("/bin/sh", "-c", `echo > ${fifo}`)).toBeTrue();
      await until("the end to be reported", () => /the watched process \d+ has ended/.test(collect.stderr));
      const ended = await collect.ended();
      expect(ended.exitCode).toBe(0);
      const { events, others } = ended;
      const root = events.find(({ type }) => type === "fork")?.ppid as number;
      expect(events.filter(({ type }) => type === "exit").map(({ comm }) => comm)).toEqual(["true", "sh"]);
      expect(new Set(events.map(({ pid }) => pid)).size).toBe(2);
      expect(events.every(({ pid, ppid }) => pid === root || ppid === root)).toBeTrue();
      const ofProcesses = others.filter(({ type }) => type !== "start");
      for (const other of ofProcesses) expect(other).toMatchObject({ pid: expect.any(Number) });
      expect(ofProcesses.filter((other) => "comm" in other && other.comm !== "sh" && other.comm !== "true")).toEqual(
        [],
      );
      expect(ended.stderr).toContain("--pid=host");
    });

    test("is refused if the pid does not exist in the namespace, although it exists on the host", async () => {
      const ended = await CollectRun.toEnd([...args, "--pid", "77"], { before: CONTAINER });
      expect(ended.exitCode).toBe(2);
      expect(ended.stderr).toContain("there is no process 77");
    });
  });
}

describe.skipIf(why !== null)(titled("--pid", why), () => {
  test("is refused if one of several processes does not exist, and the error names that process", async () => {
    const ended = await CollectRun.toEnd(["--duration", "1s", "--pid", `${process.pid},4194304`]);
    expect(ended.exitCode).toBe(2);
    expect(ended.stderr).toContain("there is no process 4194304");
  });

  test("ends the run when the last descendant ends, not when the watched process ends", async () => {
    const fifo = join(folder, "last");
    expect(succeeds("mkfifo", fifo)).toBeTrue();
    const root = Bun.spawn(["/bin/sh", "-c", `(read line < ${fifo}; :) & read line`], { stdin: "pipe" });
    await using collect = await CollectRun.start([...USUAL, "--pid", `${root.pid}`]);
    root.stdin.write("\n");
    root.stdin.end();
    await root.exited;
    await collect.event("the end of the watched process", ({ type, pid }) => type === "exit" && pid === root.pid);
    // After a few flushes, the run still goes on.
    await Bun.sleep(200);
    expect(collect.stderr).not.toContain("has ended");
    expect(succeeds("/bin/sh", "-c", `echo > ${fifo}`)).toBeTrue();
    await until("the end to be reported", () => collect.stderr.includes(`the watched process ${root.pid} has ended`));
    await collect.stop();
  });
});

const v1Mount = v1Point();
const noV1 = reasonOf(why, v1Mount === null && "there is no cgroup v1 hierarchy");

/** Mount point of a v1 hierarchy; null if there is none. */
function v1Point(): string | null {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  return (
    mounts.find(({ type, root, options }) => type === "cgroup" && root === "/" && options.includes("pids"))?.target ??
    null
  );
}

describe.skipIf(noV1 !== null)(titled("containers in a v1 hierarchy and a pid namespace", noV1), () => {
  test("a process of the host is not confused with the container process of the same pid", async () => {
    await using cgroup = new TestCgroup(v1Mount as string);
    const path = cgroup.make("docker", "0123456789abcdef".repeat(4));
    const socket = join(folder, "v1.sock");
    // Pids 2 to 11 of the namespace are in the container; on the host they are kernel threads.
    const script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done";
    const before = [...inCgroups(cgroup.directory(path)), ...inContainer(script)];
    const args = [...USUAL, "--listen", `unix:${socket}`, "--duration", "4s"];
    await using collect = await CollectRun.start(args, { before });
    const get = async (url: string) => (await fetch(`http://localhost${url}`, { unix: socket })).json();
    const { processes } = (await get("/processes?limit=10000")) as { processes: Process[] };
    const kernelThreads = processes.filter(({ pid, ppid }) => pid === 2 || ppid === 2);
    expect(kernelThreads.length).toBeGreaterThan(5);
    expect(kernelThreads.filter(({ container, cgroup }) => container !== null || cgroup === path)).toEqual([]);
    expect(((await get("/readyz")) as { reasons: string[] }).reasons.join()).toContain("pid namespace");
    await collect.ended();
  });
});

interface Process {
  pid: number;
  ppid: number | null;
  container: unknown;
  cgroup: string | null;
}
