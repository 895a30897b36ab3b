import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { defaultSettings } from "../../src/config/print.ts";
import { EXIT } from "../../src/errors.ts";
import { pidsIn } from "../../src/overhead/storm/cgroup-files.ts";
import { StormCgroups } from "../../src/overhead/storm/cgroups.ts";
import { readHierarchy } from "../../src/overhead/storm/hierarchy.ts";
import { loopsFor } from "../../src/overhead/storm/loops.ts";
import { runStormTest, type StormListener } from "../../src/overhead/storm/run.ts";
import { until } from "./support/collect-run.ts";
import { BINARY, programPath, reasonOf, succeeds, titled, whyNoTerminal, whyNotHere } from "./support/needs.ts";
import { inMounts } from "./support/places.ts";

setDefaultTimeout(180_000);

function whyNoStorm(): string | null {
  const reason = whyNotHere();
  if (reason !== null) return reason;
  try {
    readHierarchy();
    return null;
  } catch (error) {
    return `needs cgroups: ${(error as Error).message}`;
  }
}

const reason = whyNoStorm();
const mount = reason === null ? (cgroup2Mount() ?? "") : "";
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", TERM: "xterm" };
const SILENT: StormListener = { planned() {}, phase() {} };

function cgroupsOfStorms(): string[] {
  return readdirSync(mount).filter((name) => /^linnix-(storm|neighbour)-/.test(name));
}

async function run(command: readonly string[], input = ""): Promise<{ out: string; err: string; code: number }> {
  const child = Bun.spawn([...command], { env: ENV, stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
}

describe.skipIf(reason !== null)(titled("overhead-test --storm", reason), () => {
  afterEach(() => expect(cgroupsOfStorms()).toEqual([]));

  /** A rate that every machine exceeds, with no limit for the cost. */
  function options(stormMs: number) {
    const settings = defaultSettings();
    return {
      settings: { ...settings, budget: { ...settings.budget, cpuPct: 0, stormRate: 200 } },
      rate: 20,
      seed: 1,
      loops: loopsFor(),
      warmUpMs: 1000,
      stormMs,
      afterMs: 1000,
    };
  }

  test("counts the storm, loses nothing, and captures the neighbour completely", async () => {
    const report = await runStormTest(options(9000), SILENT, new AbortController().signal);
    const { storm, events, neighbour, cost, kernel, sources, incomplete, verdict, reasons } = report;
    expect(incomplete).toBeNull();
    expect(storm?.suppressed.fork).toBeGreaterThan(0);
    expect(storm?.suppressed.exit).toBeGreaterThan(0);
    expect(events?.lost).toBe(0);
    expect(neighbour?.spawned).toBeGreaterThan(0);
    expect(neighbour?.captured).toBe(neighbour?.spawned as number);
    expect(neighbour?.out_of_order).toBe(0);
    expect(sources.some(({ is_ours, name }) => is_ours && name.startsWith("process "))).toBe(true);
    expect(cost?.most_pct).toBeGreaterThan(0);
    expect(cost?.limit_pct).toBeNull();
    expect(kernel?.ns_per_event).toBeGreaterThan(0);
    expect({ verdict, reasons }).toMatchObject({ verdict: "PASS" });
  });

  test("ends in order if it is interrupted during the storm", async () => {
    const controller = new AbortController();
    const report = await runStormTest(
      options(12_000),
      { ...SILENT, phase: (name) => void (name === "storm" && setTimeout(() => controller.abort("SIGTERM"), 1000)) },
      controller.signal,
    );
    expect(report).toMatchObject({ verdict: "INCONCLUSIVE", incomplete: "SIGTERM came during the storm" });
  });

  test("leaves no process after the deadline if linnix is killed, and the next run removes its cgroups", async () => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "support/storm-run.ts")], {
      env: ENV,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const directory = `${mount}${(await reader.read()).value?.trim()}`;
    // The loops run: each consists of a `timeout` and its child.
    const { forkers, shells } = loopsFor();
    await until("the storm to run", () => pidsIn(directory).length >= 2 * (forkers + shells));
    child.kill("SIGKILL");
    await child.exited;
    expect(pidsIn(directory)).not.toEqual([]);
    await until("the deadline of the storm", () => pidsIn(directory).length === 0, 90_000);
    expect(existsSync(directory)).toBe(true);
    await using cgroups = await StormCgroups.open();
    expect(existsSync(directory)).toBe(false);
    expect(
      cgroupsOfStorms()
        .map((name) => `/${name}`)
        .sort(),
    ).toEqual([cgroups.neighbourPath, cgroups.stormPath].sort());
  });

  test("is refused while another storm test runs", async () => {
    await using _ = await StormCgroups.open();
    const { err, code } = await run([BINARY, "overhead-test", "--storm", "--yes"]);
    expect({ code, err }).toMatchObject({ code: EXIT.cannotRun });
    expect(err).toContain("another storm test is running");
  });

  test("is refused without a terminal and without --yes", async () => {
    const { out, err, code } = await run([BINARY, "overhead-test", "--storm"], "y\n");
    expect({ out, code }).toEqual({ out: "", code: EXIT.usage });
    expect(err).toContain("there is no terminal to ask on");
    expect(err).toContain("--yes starts it without asking");
  });

  const noTerminal = whyNoTerminal("script");
  test.skipIf(noTerminal !== null)(titled("asks for confirmation on a terminal", noTerminal), async () => {
    const { out, code } = await run(
      [programPath("script") as string, "-qec", `${BINARY} overhead-test --storm`, "/dev/null"],
      "n\n",
    );
    expect(out).toContain("Start? [y/N]");
    expect(out).toContain("nothing was started");
    expect(code).toBe(EXIT.inconclusive);
  });

  test.each([
    [["--storm", "--pid", "1"], "--storm and --pid"],
    [["--storm", "--quick"], "--storm and --quick"],
    [["--storm", "--html", "x.html"], "--storm and --html"],
    [["--storm", "--", "true"], "--storm and -- COMMAND"],
    [["--storm", "--yes", "--rate", "301"], "expected at most 300"],
    [["--yes"], "only goes with --storm"],
  ] as const)("%p is wrong use", async (args, words) => {
    const { out, err, code } = await run([BINARY, "overhead-test", ...args]);
    expect({ out, code }).toEqual({ out: "", code: EXIT.usage });
    expect(err).toContain(words);
  });

  const noMounts = reasonOf(!succeeds("unshare", "--mount", "true") && "needs mount namespaces");
  test.skipIf(noMounts !== null)(titled("is refused without cgroup v2", noMounts), async () => {
    const before = inMounts("mount -t tmpfs none /sys/fs/cgroup");
    const { out, err, code } = await run([...before, BINARY, "overhead-test", "--storm", "--yes"]);
    expect({ out, code }).toEqual({ out: "", code: EXIT.cannotRun });
    expect(err).toContain("the cgroup v2 hierarchy is not mounted");
    expect(err).toContain("mount -t cgroup2");
  });
});
