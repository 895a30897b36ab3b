import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { ProcessClock, processCpuUse } from "../../src/procfs/process-clock.ts";
import { ProcessTreeClock } from "../../src/procfs/process-tree-clock.ts";
import { WakeupCounter } from "../../src/procfs/wakeups.ts";
import { ownCpuNs, waitedChildrenCpuNs } from "../../src/sys/clock.ts";

// Children really use processor time, and the machine may be busy.
setDefaultTimeout(60_000);

const NS_PER_MS = 1e6;
const TICK_NS = 10 * NS_PER_MS;

/** Source of burn(ms): uses that much processor time, mostly in user mode. */
const BURN = `
  const burn = (ms) => {
    const start = process.cpuUsage();
    for (;;) {
      for (let i = 0; i < 1e5; i++);
      const { user, system } = process.cpuUsage(start);
      if (user + system >= ms * 1000) return;
    }
  };
`;

/** A Bun process that runs each line that it receives as code, and prints the result. */
function obedient() {
  const code = `${BURN} for await (const line of console) console.log(await eval("(async () => {" + line + "})()") ?? "done");`;
  const child = Bun.spawn([process.execPath, "-e", code], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const reader = child.stdout.getReader();
  return {
    child,
    pid: child.pid,
    async run(line: string): Promise<string> {
      child.stdin.write(`${line}\n`);
      child.stdin.flush();
      return new TextDecoder().decode((await reader.read()).value).trim();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

function sh(script: string) {
  return Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000 && !condition(); tries++) await Bun.sleep(10);
  expect(condition()).toBe(true);
}

describe("ProcessClock", () => {
  test("agrees with the child's own getrusage, between two readings", async () => {
    await using child = obedient();
    const usage = "const { user, system } = process.cpuUsage(); return user + system;";
    await child.run(usage);
    const clock = ProcessClock.open(child.pid);
    const ownBefore = Number(await child.run(usage));
    const before = clock?.read();
    await child.run("burn(300)");
    const after = clock?.read();
    const ownAfter = Number(await child.run(usage));
    if (!before || !after) throw new Error("the clock could not be read");
    const use = processCpuUse(before, after);
    const ownNs = (ownAfter - ownBefore) * 1000;
    expect(use.cpuNs).toBeGreaterThan(300 * NS_PER_MS);
    // The child's figure includes the time for answering the two requests.
    expect(Math.abs(use.cpuNs - ownNs)).toBeLessThan(0.05 * ownNs + TICK_NS);
    expect(use.cpuPct).toBeCloseTo((100 * use.cpuNs) / use.elapsedNs, 9);
    expect(use.userPct as number).toBeGreaterThan(use.systemPct as number);
    expect((use.userPct as number) + (use.systemPct as number)).toBeCloseTo(use.cpuPct, 9);
  });

  test("counts all threads, including ended threads, at a resolution below a tick", async () => {
    await using child = obedient();
    const clock = ProcessClock.open(child.pid);
    const before = clock?.read();
    const worker = new Blob([`${BURN} burn(200);`]).text();
    await child.run(
      `const w = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(await worker)}]))); await new Promise((r) => w.addEventListener("close", r))`,
    );
    const after = clock?.read();
    if (!before || !after) throw new Error("the clock could not be read");
    const { cpuNs } = processCpuUse(before, after);
    expect(cpuNs).toBeGreaterThan(190 * NS_PER_MS);
    expect(after.cpuNs % BigInt(TICK_NS)).not.toBe(0n);
  });

  test("reads kernel threads", () => {
    const clock = ProcessClock.open(2);
    // A container with its own pid namespace has no kernel thread 2.
    if (clock !== null) expect(clock.read()?.cpuNs).toBeGreaterThan(0n);
  });

  test("returns null for a missing or reaped process, not for a zombie", async () => {
    expect(ProcessClock.open(2 ** 30)).toBeNull();
    const child = sh("read x");
    const clock = ProcessClock.open(child.pid);
    expect(clock?.read()).not.toBeNull();
    child.stdin.end();
    await child.exited;
    expect(clock?.read()).toBeNull();
  });
});

describe("ProcessTreeClock", () => {
  /** User and system time, ns, that wait4 returned for a child and all descendants that it waited for. */
  const waited = (child: ReturnType<typeof sh>): number => Number(child.resourceUsage()?.cpuTime.total ?? 0) * 1000;

  test("counts short-lived children that no reading saw, like wait4's rusage", async () => {
    const child = sh(
      "read go; i=0; while [ $i -lt 60 ]; do /bin/ls -lR /etc >/dev/null 2>&1; i=$((i+1)); done; echo done; read end",
    );
    const clock = ProcessTreeClock.open(child.pid);
    if (clock === null) throw new Error("no clock");
    const reader = child.stdout.getReader();
    child.stdin.write("\n");
    child.stdin.flush();
    let done = false;
    const finished = reader.read().then(() => (done = true));
    let last = 0;
    while (!done) {
      const { cpuNs } = clock.read();
      expect(cpuNs).toBeGreaterThanOrEqual(last);
      last = cpuNs;
      await Bun.sleep(50);
    }
    await finished;
    const { cpuNs, waitedForNs, orphanedNs, pids } = clock.read();
    child.stdin.end();
    await child.exited;
    expect(pids).toEqual([child.pid]);
    expect(waitedForNs).toBeGreaterThan(0);
    expect(orphanedNs).toBe(0);
    const total = waited(child);
    expect(total).toBeGreaterThan(4 * TICK_NS);
    // The shell's user and system time of its children are each rounded down to ticks of 10 ms.
    expect(cpuNs).toBeWithin(total - 2 * TICK_NS - 0.01 * total, total + 1);
  });

  test("counts living descendants, and keeps them when their parent dies", async () => {
    const child = sh("sh -c 'while :; do :; done' & echo $!; read x; wait");
    const pid = Number(new TextDecoder().decode((await child.stdout.getReader().read()).value));
    const clock = ProcessTreeClock.open(child.pid);
    if (clock === null) throw new Error("no clock");
    try {
      await until(() => clock.read().cpuNs > 50 * NS_PER_MS);
      expect(clock.read().pids).toEqual([child.pid, pid]);
      child.kill("SIGKILL");
      await child.exited;
      const before = clock.read();
      expect(before.pids).toEqual([pid]);
      expect(before.cpuNs).toBeGreaterThan(50 * NS_PER_MS);
      await until(() => clock.read().cpuNs > before.cpuNs + 50 * NS_PER_MS);
    } finally {
      process.kill(pid, "SIGKILL");
    }
    await until(() => clock.read().pids.length === 0);
    const { cpuNs, orphanedNs } = clock.read();
    expect(cpuNs).toBeGreaterThan(100 * NS_PER_MS);
    expect(orphanedNs).toBe(cpuNs);
  });

  // Shells reset SIGCHLD, even a shell that is started with SIGCHLD ignored.
  test.skipIf(Bun.which("perl") === null)(
    "does not lose the time of a child whose parent does not wait for it (needs perl)",
    async () => {
      // The kernel adds no time of the children to a parent that ignores SIGCHLD.
      const code = '$| = 1; $SIG{CHLD} = "IGNORE"; if (($p = fork) == 0) { 1 while 1 } print "$p\\n"; <STDIN>';
      const parent = Bun.spawn(["perl", "-e", code], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
      try {
        const pid = Number(new TextDecoder().decode((await parent.stdout.getReader().read()).value));
        const clock = ProcessTreeClock.open(parent.pid);
        if (clock === null) throw new Error("no clock");
        await until(() => clock.read().cpuNs > 200 * NS_PER_MS);
        const before = clock.read();
        process.kill(pid, "SIGKILL");
        await until(() => clock.read().pids.length === 1);
        const after = clock.read();
        expect(after.waitedForNs).toBe(0);
        expect(after.cpuNs).toBeGreaterThanOrEqual(before.cpuNs);
        // The figures may differ by two ticks and by the parent's own time.
        expect(after.orphanedNs).toBeGreaterThan(before.cpuNs - 2 * TICK_NS - 50 * NS_PER_MS);
        expect(clock.read().orphanedNs).toBe(after.orphanedNs);
      } finally {
        parent.kill("SIGKILL");
        await parent.exited;
      }
    },
  );
});

describe("clocks of this process", () => {
  test("own time rises with work, and children's time with a reaped child", async () => {
    const own = ownCpuNs();
    for (let i = 0; i < 1e6; i++);
    expect(ownCpuNs()).toBeGreaterThan(own);
    const children = waitedChildrenCpuNs();
    const child = sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
    await child.exited;
    const used = waitedChildrenCpuNs() - children;
    // User and system time are each rounded down to a µs.
    expect(Math.abs(used - Number(child.resourceUsage()?.cpuTime.total) * 1000)).toBeLessThanOrEqual(2000);
  });
});

describe("WakeupCounter", () => {
  test("counts each sleep of a process once", async () => {
    const child = sh("read go; i=0; while [ $i -lt 50 ]; do sleep 0.001; i=$((i+1)); done; echo done; read end");
    const counter = new WakeupCounter(child.pid);
    expect(counter.read()).toBe(0);
    child.stdin.write("\n");
    child.stdin.flush();
    await child.stdout.getReader().read();
    await until(() => counter.read() >= 50);
    // The process waits once for each sleep, and at times for vfork, pipes and locks.
    expect(counter.read()).toBeWithin(50, 400);
    child.stdin.end();
    await child.exited;
    expect(counter.read()).toBeWithin(50, 400);
  });

  test("stays 0 for a process that does not exist", () => {
    expect(new WakeupCounter(2 ** 30).read()).toBe(0);
  });
});
