import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { listProgramIds } from "../../src/bpf/bpf-programs.ts";
import { defaultSettings } from "../../src/config/print.ts";
import type { Settings } from "../../src/config/schema.ts";
import { EXIT } from "../../src/errors.ts";
import { figuresOf } from "../../src/overhead/figures.ts";
import type { OverheadOptions, SubjectChoice } from "../../src/overhead/options.ts";
import { jsonReport } from "../../src/overhead/report/json.ts";
import type { OverheadReport } from "../../src/overhead/result.ts";
import { exitCodeOf, runOverheadTest, type TestListener } from "../../src/overhead/run.ts";
import { titled, whyNoPageFaults, whyNotHere } from "./support/needs.ts";

// Even a short run has all parts, and the machine may be busy.
setDefaultTimeout(120_000);

const reason = whyNotHere();
const FLUSH_MS = 100;

/** linnix with test settings; a short flush interval makes short runs possible. */
function linnix(ring: Partial<Settings["ring"]> = {}): SubjectChoice {
  const settings = defaultSettings();
  return { kind: "linnix", settings: { ...settings, ring: { ...settings.ring, flushIntervalMs: FLUSH_MS, ...ring } } };
}

function options(subject: SubjectChoice, more: Partial<OverheadOptions> = {}): OverheadOptions {
  return {
    subject,
    baselineMs: 200,
    durationMs: 1000,
    intervalMs: 100,
    thresholdPct: 1000,
    rate: 50,
    profile: "seed",
    seed: 1,
    quick: true,
    ...more,
  };
}

const SILENT: TestListener = { planned() {}, phase() {}, sample() {}, note() {} };

let runs = 0;

function run(subject: SubjectChoice, more: Partial<OverheadOptions> = {}): Promise<OverheadReport> {
  runs++;
  return runOverheadTest(options(subject, more), SILENT, new AbortController().signal);
}

/** Processes whose parent is this one. */
function children(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "latin1").split(" ").filter(Boolean);
}

function leftFolders(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith("linnix-overhead-"));
}

const foldersBefore = leftFolders();
afterEach(() => {
  expect(children()).toEqual([]);
  expect(leftFolders().filter((name) => !foldersBefore.includes(name))).toEqual([]);
});

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe.skipIf(reason !== null)(titled("overhead-test of linnix", reason), () => {
  test("reports the cold start beside the steady state", async () => {
    const { raw, collector, incomplete } = await run(linnix(), { quick: false, rate: 100 });
    expect(incomplete).toBeNull();
    expect(raw.cold?.loaded.spawned).toBeGreaterThan(0);
    expect(raw.cold?.loaded.events).toBeGreaterThanOrEqual(3 * (raw.cold?.loaded.spawned ?? 0));
    expect(raw.cold?.idle.spawned).toBe(0);
    for (const start of [raw.cold?.loaded, raw.cold?.idle]) {
      expect(start?.cpu_ns).toBeGreaterThan(start?.start_cpu_ns ?? Number.POSITIVE_INFINITY);
      // A timer may fire up to a millisecond early.
      expect(start?.elapsed_ns).toBeGreaterThanOrEqual(2.99e9);
    }
    expect(collector?.cold?.duration_s).toBeGreaterThanOrEqual(2.99);
    expect(collector?.cold?.avg_cpu_pct).toBeGreaterThan(0);
  });

  test("reports every part, in agreement with the raw data", async () => {
    const report = await run(linnix());
    expect(report.collector?.cold).toBeNull();
    expect(report.incomplete).toBeNull();
    expect(report.left_out).toEqual([]);
    expect(report.subject).toMatchObject({ kind: "linnix", name: "linnix collect", pids: [expect.any(Number)] });

    const { raw, events } = report;
    expect(raw.capture).toMatchObject({ unreported_args: 0, unreported_status: 0 });
    expect(raw.capture?.spawned).toBe(events.spawned);
    expect(raw.capture?.captured).toBe(events.spawned);
    expect(events.capture_pct).toBe(100);
    expect(events.lost).toBe(0);
    expect(events.emitted).toBe((events.received ?? 0) + (events.lost ?? 0));
    expect(events.emitted).toBeGreaterThanOrEqual(3 * events.spawned);

    // Each step of an event was timed.
    const { timings } = report;
    expect(timings.not_measured).toEqual([]);
    for (const ns of [...Object.values(timings.hook_ns), timings.ring_write_ns, timings.read_ns, timings.json_ns]) {
      expect(ns).toBeGreaterThan(0);
    }
    expect(raw.ring_write).toMatchObject({ items: 256 });
    expect(timings.bytes_per_second).toBeGreaterThan(0);
    expect(timings.kernel_to_output_ms.p50).toBeGreaterThan(0);
    expect(timings.kernel_to_output_ms.p99).toBeGreaterThanOrEqual(timings.kernel_to_output_ms.p50 ?? Number.NaN);
    expect(timings.kernel_to_output_flush_ms).toBe(FLUSH_MS);
    const followed = raw.workloads.find(({ phase }) => phase === "output");
    expect(followed?.spawned).toBeGreaterThan(0);
    // Nearly all lines are followed: some come before the first reading, or belong to the last processes.
    expect(timings.kernel_to_output_lines).toBeGreaterThan(followed?.spawned ?? Number.NaN);

    const parsed = JSON.parse(jsonReport(report)) as OverheadReport;
    const again = figuresOf(parsed.raw, { thresholdPct: parsed.threshold_pct, seed: parsed.options.seed });
    for (const [name, figures] of Object.entries(JSON.parse(JSON.stringify(again)))) {
      expect(parsed[name as keyof OverheadReport]).toEqual(figures as never);
    }
    computeAgain(parsed);
  });

  const noFaults = whyNoPageFaults();
  test.skipIf(noFaults !== null)(
    titled("reports the cost of page faults if they are collected", noFaults),
    async () => {
      const settings = { ...defaultSettings() };
      settings.probes = { ...settings.probes, pageFaults: true };
      settings.ring = { ...settings.ring, flushIntervalMs: FLUSH_MS, sizeBytes: 4 * 2 ** 20 };
      const report = await run({ kind: "linnix", settings });
      expect(report.incomplete).toBeNull();
      expect(report.subject.command).toContain("--page-faults");
      // The kernel stores 15 characters of a name.
      const probe = report.in_kernel?.programs.find(({ name }) => name === "handle_page_fau");
      // A process that executes a program causes dozens of page faults.
      expect(probe?.runs).toBeGreaterThan(10 * report.events.spawned);
      expect(probe?.ns_per_run).toBeGreaterThan(0);
      // Page faults are not part of the balance of process events.
      expect(report.events.capture_pct).toBe(100);
      expect(report.events.emitted).toBe((report.events.received ?? 0) + (report.events.lost ?? 0));
    },
  );

  test("fails a threshold that the collector exceeds", async () => {
    const report = await run(linnix({ flushIntervalMs: 10 }), { thresholdPct: 0.001 });
    expect(report.verdict).toBe("FAIL");
    expect(exitCodeOf(report.verdict)).toBe(EXIT.fail);
    expect(report.reasons.join("\n")).toContain("not below 0.001 %");
  });

  test("fails if a small ring loses events", async () => {
    const report = await run(linnix({ sizeBytes: 4096, watermarkBytes: 4096, flushIntervalMs: 300 }), { rate: 200 });
    expect(report.verdict).toBe("FAIL");
    expect(report.events.lost).toBeGreaterThan(0);
    expect(report.reasons[0]).toMatch(/events? (was|were) lost/);
    expect(report.events.captured).toBeLessThan(report.events.spawned);
    expect(report.subject.command).toContain("--ring-size 4KiB");
  });

  test("is inconclusive on a machine that is busy with other work", async () => {
    const hogs = Array.from({ length: 3 * availableParallelism() }, () =>
      Bun.spawn(["/bin/sh", "-c", "while :; do :; done"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" }),
    );
    let report: OverheadReport;
    try {
      report = await run(linnix(), { rate: 20 });
    } finally {
      for (const hog of hogs) hog.kill("SIGKILL");
      await Promise.all(hogs.map((hog) => hog.exited));
    }
    // Steal time may count as time of the subject, which hides the time of other programs.
    const isStarved = (report.noise.steal_machine_pct ?? 0) > 30;
    const why = isStarved ? /full of other work|the hypervisor took/ : /full of other work/;
    expect(report.reasons.join("\n"), JSON.stringify(report.noise)).toMatch(why);
    // If another program makes enough events that some are lost, that is still a failure.
    if (report.verdict === "FAIL") expect(report.reasons[0]).toMatch(/lost|captured/);
    else expect(report.verdict).toBe("INCONCLUSIVE");
    expect(exitCodeOf("INCONCLUSIVE")).toBe(EXIT.inconclusive);
  });

  test("an abort ends it early, with the results so far", async () => {
    const abort = new AbortController();
    const listener: TestListener = { ...SILENT, sample: () => abort.abort("SIGINT") };
    const report = await runOverheadTest(options(linnix()), listener, abort.signal);
    expect(report.incomplete).toBe("SIGINT came during the workload");
    expect(report.verdict).toBe("INCONCLUSIVE");
    expect(report.samples.length).toBeGreaterThanOrEqual(1);
    expect(report.slowdown).toBeNull();
    expect(report.raw.capture?.spawned).toBeGreaterThan(0);
    expect(report.events.emitted).not.toBeNull();
  });

  test("leaves neither programs nor file descriptors behind", async () => {
    // The runs of earlier tests have opened what stays open: libraries and descriptors of the event loop.
    if (runs === 0) await run(linnix(), { durationMs: 500 });
    const fdsBefore = readdirSync("/proc/self/fd").length;
    const report = await run(linnix(), { durationMs: 500 });
    const ids = report.raw.programs?.map(({ id }) => id) ?? [];
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(listProgramIds().filter((id) => ids.includes(id))).toEqual([]);
    expect(readdirSync("/proc/self/fd").length).toBe(fdsBefore);
  });
});

/** Computes figures of a report again from its raw part, and compares them. */
function computeAgain({
  raw,
  collector,
  in_kernel,
  total,
  samples,
  memory,
  model,
  slowdown,
  workload,
}: OverheadReport) {
  const windows = raw.windows.filter(({ phase }) => phase === "workload");
  const elapsedNs = sum(windows.map((window) => window.elapsed_ns));
  const cpuNs = sum(windows.map((window) => window.cpu_ns ?? Number.NaN));
  const runNs = sum(windows.map((window) => window.run_ns ?? Number.NaN));
  expect(windows).toHaveLength(10);
  expect(samples).toHaveLength(10);
  expect(collector?.cpu_ns).toBeCloseTo(cpuNs, 3);
  expect(collector?.avg_cpu_pct).toBeCloseTo((100 * cpuNs) / elapsedNs, 9);
  expect(collector?.peak_cpu_pct).toBeCloseTo(
    Math.max(...windows.map((window) => (100 * (window.cpu_ns ?? 0)) / window.elapsed_ns)),
    9,
  );
  expect(in_kernel?.run_ns).toBeCloseTo(runNs, 3);
  expect(in_kernel?.avg_cpu_pct).toBeCloseTo((100 * runNs) / elapsedNs, 9);
  expect(total?.avg_cpu_pct).toBeCloseTo((100 * (cpuNs + runNs)) / elapsedNs, 9);
  expect(total?.ci95[0]).toBeLessThanOrEqual(total?.avg_cpu_pct ?? 0);
  expect(total?.ci95[1]).toBeGreaterThanOrEqual(total?.avg_cpu_pct ?? 0);
  const others = in_kernel?.programs.filter(({ own }) => !own) ?? [];
  expect(others.map(({ name }) => name)).toEqual(expect.arrayContaining(["handle_fork", "handle_exec", "handle_exit"]));
  expect(sum(others.map(({ run_ns }) => run_ns))).toBeCloseTo(runNs, 3);
  expect(in_kernel?.programs.find(({ name }) => name === "list_processes")?.own).toBe(true);

  expect(memory?.rss_peak_bytes).toBe(Math.max(...windows.map((window) => window.memory?.rss_bytes ?? 0)));
  expect(memory?.kernel_bytes?.rings).toBeGreaterThan(0);

  // The line through the windows, by least squares weighted with their length.
  expect(model?.rates).toEqual([0, 50, 200]);
  expect(model?.windows).toBeGreaterThan(6);

  const rounds = raw.slowdown.find(({ operation }) => operation === "spawn")?.rounds ?? [];
  const differences = rounds.map(({ order, blocks }) => {
    const arm = (name: string): number => {
      const figures = blocks.filter((_, i) => order[i] === name).map(({ p25 }) => p25);
      return sum(figures) / figures.length;
    };
    return arm("on") - arm("off");
  });
  expect(slowdown?.us_per_process).toBeCloseTo(medianOf(differences), 9);
  const asked = raw.workloads.find(({ phase }) => phase === "workload");
  const processUs = (asked?.children_cpu_us ?? 0) / (asked?.spawned ?? 1);
  expect(workload?.cpu_us_per_process).toBeCloseTo(processUs, 9);
  expect(slowdown?.pct).toBeCloseTo((100 * medianOf(differences)) / processUs, 9);
}

function medianOf(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

describe.skipIf(reason !== null)(titled("overhead-test of another subject", reason), () => {
  const command = (...argv: string[]): SubjectChoice => ({ kind: "command", argv });

  test("an idle command costs nothing", async () => {
    const report = await run(command("sleep", "1000"), { thresholdPct: 1 });
    expect(report.incomplete).toBeNull();
    expect(report.in_kernel).toMatchObject({ run_ns: 0, runs: 0 });
    expect(report.collector?.avg_cpu_pct).toBeLessThan(0.05);
    expect(report.total?.ci95[1]).toBeLessThan(1);
    expect(report.slowdown?.operation).toBe("spawn");
    expect(report.left_out.map(({ part }) => part)).toEqual(expect.arrayContaining(["lost", "capture"]));
    for (const part of ["ring_write_ns", "read_ns", "json_ns", "kernel_to_output_ms"]) {
      expect(report.timings.not_measured).toContainEqual({ part, why: "the subject is not linnix's own collector" });
    }
    expect(report.verdict).not.toBe("FAIL");
  });

  test("a busy loop in the command counts, and fails the test", async () => {
    const collector = `${process.execPath} src/main.ts collect --format none >/dev/null 2>&1`;
    const script = `${collector} & while :; do :; done`;
    const report = await run(command("sh", "-c", script), { thresholdPct: 1, durationMs: 1000 });
    expect(report.verdict).toBe("FAIL");
    expect(report.collector?.avg_cpu_pct).toBeGreaterThan(10);
    expect(report.reasons.join("\n")).toContain("not below 1 %");
    expect(report.in_kernel?.programs.map(({ name }) => name)).toContain("handle_exit");
    expect(report.in_kernel?.runs).toBeGreaterThan(0);
  });

  test("BPF programs of another process do not count for the command", async () => {
    const script = `sleep 0.4; exec ${process.execPath} src/main.ts collect --format none`;
    const other = Bun.spawn(["sh", "-c", script], { stdout: "ignore", stderr: "ignore" });
    let report: OverheadReport;
    try {
      report = await run(command("sh", "-c", "i=0; while [ $i -lt 80000 ]; do i=$((i+1)); done; exec sleep 1000"));
    } finally {
      other.kill("SIGTERM");
      await other.exited;
    }
    expect(report.in_kernel?.programs).toEqual([]);
  });

  test("a running agent is judged by its pid: its BPF programs are found, its slowdown is left out", async () => {
    const agent = Bun.spawn([process.execPath, "src/main.ts", "collect", "--format", "none"], {
      stdout: "ignore",
      stderr: "pipe",
    });
    let report: OverheadReport;
    try {
      await agent.stderr.getReader().read();
      report = await run({ kind: "pid", pids: [agent.pid] });
    } finally {
      agent.kill("SIGTERM");
      await agent.exited;
    }
    expect(report.subject).toMatchObject({ kind: "pid", command: null, pids: [agent.pid] });
    expect(report.in_kernel?.programs.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["handle_fork", "handle_exec", "handle_exit"]),
    );
    expect(report.in_kernel?.runs).toBeGreaterThan(0);
    expect(report.collector?.load).toBeNull();
    expect(report.baseline).toBeNull();
    expect(report.slowdown).toBeNull();
    expect(report.left_out).toContainEqual({ part: "slowdown", why: expect.stringContaining("cannot be stopped") });
    expect(report.memory?.kernel_bytes?.rings).toBeGreaterThan(0);
  });

  test("a command that ends during the test makes it inconclusive", async () => {
    const report = await run(command("sh", "-c", "sleep 2.5; exit 3"));
    expect(report.verdict).toBe("INCONCLUSIVE");
    expect(report.reasons.join("\n")).toMatch(/sh did not run to the end: it ended with status 3/);
  });

  test("a command that ends at once, or does not exist, cannot be judged", async () => {
    await expect(run(command("sh", "-c", "echo no such thing >&2; exit 3"))).rejects.toMatchObject({
      exitCode: EXIT.cannotRun,
      why: "it ended with status 3: no such thing",
    });
    await expect(run(command("no-such-program-at-all"))).rejects.toMatchObject({ exitCode: EXIT.usage });
    await expect(run({ kind: "pid", pids: [4194303] })).rejects.toMatchObject({ exitCode: EXIT.usage });
    await expect(run({ kind: "pid", pids: [process.pid] })).rejects.toMatchObject({ exitCode: EXIT.usage });
  });
});
