import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import type { OverheadReport } from "../../src/overhead/result.ts";
import { BINARY, programPath, reasonOf, titled, whyNoTerminal, whyNotHere } from "./support/needs.ts";

// Even a short run has all parts, and the machine may be busy.
setDefaultTimeout(120_000);

const reason = whyNotHere();
const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Short phases; a collector that reads often needs no long lead-in. */
const SHORT = ["--quick", "--baseline", "1200ms", "--duration", "600ms", "--interval", "100ms", "--rate", "40"];
const ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", TERM: "xterm", LINNIX_FLUSH_INTERVAL: "100ms" };
/** ESC, which starts every sequence that moves the cursor or sets a colour. */
const ESC = "\u001b";

interface Result {
  stdout: string;
  stderr: string;
  exitCode: number | null;
}

async function linnix(args: readonly string[], { env = {}, before = [] as readonly string[] } = {}): Promise<Result> {
  const child = Bun.spawn([...before, BINARY, "overhead-test", ...args], {
    env: { ...ENV, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

/** A run with JSON on stdout, which calls `act` once its progress shows that a phase begins. */
async function runUntil(phase: string, args: readonly string[], act: (child: Bun.Subprocess) => Promise<unknown>) {
  const child = Bun.spawn([BINARY, "test", ...args, "--json", "-"], {
    env: ENV,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const stdout = new Response(child.stdout).text();
  let stderr = "";
  let isDone = false;
  for await (const piece of child.stderr.pipeThrough(new TextDecoderStream())) {
    stderr += piece;
    if (isDone || !stderr.includes(`${phase} (about`)) continue;
    isDone = true;
    await act(child);
  }
  expect(isDone).toBe(true);
  return { exitCode: await child.exited, stdout: await stdout, stderr };
}

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(" ");
}

/** Exit codes of a run with a verdict: on a noisy machine each verdict is possible. */
const VERDICTS: (number | null)[] = [EXIT.ok, EXIT.fail, EXIT.inconclusive];

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}

describe.skipIf(reason !== null)(titled("overhead-test", reason), () => {
  test("reports to stdout and to files, and prints its progress on stderr in plain lines", async () => {
    const json = join(directory, "report.json");
    const html = join(directory, "report.html");
    const { stdout, stderr, exitCode } = await linnix([...SHORT, "--json", json, "--html", html]);
    expect(VERDICTS).toContain(exitCode);
    expect(lastLine(stdout)).toMatch(/^(✓ PASS|✗ FAIL|~ INCONCLUSIVE): /);
    expect(stdout).toStartWith("linnix ");
    expect(stdout).toContain("RESULTS");
    expect(stdout + stderr).not.toContain(ESC);
    expect(stderr).not.toContain("\r");
    for (const phase of ["baseline", "workload", "sweep over rates", "slowdown"]) {
      expect(stderr).toMatch(new RegExp(`^${phase} \\(about \\d+ s\\)$`, "m"));
    }
    const report = JSON.parse(readFileSync(json, "utf8"));
    expect(report).toMatchObject({ schema: "linnix.overhead-test/1", threshold_pct: 1, incomplete: null });
    expect({ PASS: EXIT.ok, FAIL: EXIT.fail, INCONCLUSIVE: EXIT.inconclusive }[report.verdict as "PASS"]).toBe(
      exitCode as never,
    );
    expect(report.subject.command).toBe("linnix collect --format jsonl --storm-rate 0 --flush-interval 100ms");
    expect(readFileSync(html, "utf8")).toContain(report.verdict);
  });

  test("--json - leaves stdout to JSON alone", async () => {
    const { stdout, stderr, exitCode } = await linnix([...SHORT, "--json", "-"]);
    expect(VERDICTS).toContain(exitCode);
    const report = JSON.parse(stdout);
    expect(report.samples).toHaveLength(6);
    expect(lastLine(stderr)).toContain(report.verdict);
  });

  for (const [signal, expected] of [
    ["SIGINT", EXIT.sigint],
    ["SIGTERM", EXIT.sigterm],
  ] as const) {
    test(`${signal} ends it in order, with a report of the results so far`, async () => {
      let started: string[] = [];
      const args = ["--baseline", "100ms", "--duration", "4s"];
      const { exitCode, stdout, stderr } = await runUntil("workload", args, async (child) => {
        await Bun.sleep(500);
        started = childrenOf(child.pid);
        child.kill(signal);
      });
      expect(exitCode).toBe(expected);
      // These are the collector and the workload.
      expect(started).toHaveLength(2);
      for (const pid of started) expect(() => process.kill(Number(pid), 0)).toThrow();
      const report = JSON.parse(stdout);
      expect(report).toMatchObject({
        verdict: "INCONCLUSIVE",
        incomplete: `${signal} came during the workload`,
        slowdown: null,
      });
      expect(stderr).toContain(`RESULTS (incomplete: ${signal} came during the workload)`);
    });
  }

  test("SIGINT in the output phase does not wait for the workload", async () => {
    const args = ["--baseline", "100ms", "--duration", "600ms", "--interval", "100ms", "--rate", "100"];
    const { exitCode, stdout } = await runUntil("delay of the output", args, async (child) => child.kill("SIGINT"));
    expect(exitCode).toBe(EXIT.sigint);
    const { incomplete, raw } = JSON.parse(stdout) as OverheadReport;
    expect(incomplete).toBe("SIGINT came during the delay of the output");
    // The whole workload has 300 processes.
    const { spawned = 0 } = raw.workloads.find(({ phase }) => phase === "output") ?? {};
    expect(spawned).toBeLessThan(270);
  });

  test("a workload that is killed in the output phase leaves out only that timing", async () => {
    const { exitCode, stdout } = await runUntil("delay of the output", SHORT, async ({ pid }) => {
      for (;;) {
        const isWorkload = (each: string) => readFileSync(`/proc/${each}/cmdline`, "latin1").includes("__workload");
        const workload = childrenOf(pid).find(isWorkload);
        if (workload !== undefined) return process.kill(Number(workload), "SIGKILL");
        await Bun.sleep(5);
      }
    });
    expect(VERDICTS).toContain(exitCode);
    const { incomplete, timings } = JSON.parse(stdout) as OverheadReport;
    expect(incomplete).toBeNull();
    expect(timings.not_measured).toEqual([
      { part: "kernel_to_output_ms", why: "the workload generator ended before it had a result: SIGKILL" },
    ]);
    expect(timings.json_ns).toBeGreaterThan(0);
  });

  const noTerminal = whyNoTerminal("script");
  test.skipIf(noTerminal !== null)(
    titled("shows a bar with the remaining time on a terminal, and no colour if colour is off", noTerminal),
    async () => {
      const command = `${BINARY} test ${SHORT.join(" ")}`;
      const onTerminal = async (env: Record<string, string>): Promise<string> => {
        const child = Bun.spawn([programPath("script") as string, "-qec", command, "/dev/null"], {
          env: { ...ENV, ...env },
          stdin: "ignore",
          stdout: "pipe",
          stderr: "ignore",
        });
        return new Response(child.stdout).text();
      };
      const coloured = await onTerminal({});
      expect(coloured).toMatch(/█.*░.* {1,3}\d+ % {2}baseline, 0:\d\d left/);
      expect(coloured).toContain(`${ESC}[3`);
      // Heading and samples appear once.
      expect(coloured.match(/overhead-test/g)).toHaveLength(1);
      const plain = await onTerminal({ NO_COLOR: "1" });
      expect(plain).toContain("left");
      expect(plain.replaceAll(`\r${ESC}[2K`, "")).not.toContain(ESC);
    },
  );
});

describe("overhead-test without privileges", () => {
  const setpriv = programPath("setpriv");
  const why = reasonOf(reason, setpriv === null && "needs setpriv");
  test.skipIf(why !== null)(titled("reports what is missing and how to fix it", why), async () => {
    const before = [setpriv ?? "", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
    // The binary may be in a directory that other accounts cannot read.
    const probe = Bun.spawnSync([...before, "/bin/sh", "-c", `test -x "$0"`, BINARY]);
    if (probe.exitCode !== 0) return console.warn(`skipped: ${BINARY} cannot be run by another user`);
    // Other accounts may not enter the temporary directory.
    const denied = await linnix(["--json", join(directory, "report.json")], { before });
    expect(denied).toMatchObject({ exitCode: EXIT.usage, stdout: "" });
    expect(denied.stderr).toContain("permission denied");
    const { stdout, stderr, exitCode } = await linnix(SHORT, { before });
    expect(exitCode).toBe(EXIT.cannotRun);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^linnix: overhead-test cannot run here: .*\n {2}run it as root: sudo linnix overhead-test/);
  });
});

describe.skipIf(reason !== null)(titled("wrong use of overhead-test", reason), () => {
  test.each([
    [["--rate", "0"], EXIT.usage, "--rate"],
    [["--duration", "10"], EXIT.usage, "has no unit"],
    [["--threshold", "none"], EXIT.usage, "--threshold"],
    [["--profile", "large-server"], EXIT.usage, "expected one of small-server, busy-api, ci-runner, seed"],
    [["--html", "-"], EXIT.usage, "--html FILE"],
    [["--json", "/no/such/folder/report.json"], EXIT.usage, "its folder does not exist"],
    [["--pid", "1", "--", "true"], EXIT.usage, "only one subject"],
    [["--"], EXIT.usage, "no command follows it"],
    [["--pid", "4194303"], EXIT.usage, "no such process"],
    [["--", "no-such-program-at-all"], EXIT.usage, "there is no program"],
    [["--", "true"], EXIT.cannotRun, "ended before anything could be measured"],
  ] as const)("%p ends with %p", async (args, expected, words) => {
    const { stdout, stderr, exitCode } = await linnix([...(args[0] === "--" ? SHORT : []), ...args]);
    expect(exitCode).toBe(expected);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
    expect(stdout).toBe("");
  });
});
