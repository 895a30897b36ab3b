import { describe, expect, test } from "bun:test";
import { judge } from "../../src/measure/verdict.ts";
import { figuresOf } from "../../src/overhead/figures.ts";
import { type LedgerContext, ledgerOf } from "../../src/overhead/ledger.ts";
import type { RawRun } from "../../src/overhead/raw.ts";
import { quietRun, slowdownRounds } from "./raw-run.ts";

function verdictOf(raw: RawRun, more: Partial<LedgerContext> = {}) {
  const thresholdPct = more.thresholdPct ?? 1;
  const figures = figuresOf(raw, { thresholdPct, seed: 1 });
  const context = { isLinnix: true, canStop: true, incomplete: null, problems: [], capture: raw.capture };
  return judge(ledgerOf(figures, { ...context, thresholdPct, ...more }));
}

/** A quiet run with the given differences. */
function run(change: (raw: RawRun) => void): RawRun {
  const raw = quietRun();
  change(raw);
  return raw;
}

function burdened(raw: RawRun, cpuPct: number): void {
  for (const window of raw.windows) if (window.cpu_ns !== null) window.cpu_ns += cpuPct * window.elapsed_ns * 0.01;
}

test("the verdict is PASS only if every part passes", () => {
  const { verdict, reasons } = verdictOf(quietRun());
  expect(verdict).toBe("PASS");
  expect(reasons.join("\n")).toMatch(/0\.25 % of one core.*below 1 %/);
  expect(reasons).toContain("no event was lost");
  expect(reasons).toContain("6140 of 6140 processes captured");
  expect(reasons).toHaveLength(4);
});

describe("a part that the subject cannot report", () => {
  const other: Partial<LedgerContext> = { isLinnix: false, capture: null };

  test("makes the verdict INCONCLUSIVE, with the reason", () => {
    const { verdict, reasons } = verdictOf(quietRun(), other);
    expect(verdict).toBe("INCONCLUSIVE");
    expect(reasons.join("\n")).toMatch(/lost events left out: .*\ncapture left out: /);
    expect(verdictOf(quietRun(), { canStop: false }).reasons[0]).toMatch(/^slowdown left out: /);
  });

  test("is not judged if the user excludes it, and the verdict reports that", () => {
    const { verdict, reasons } = verdictOf(quietRun(), { ...other, without: ["lost", "capture"] });
    expect(verdict).toBe("PASS");
    expect(reasons.slice(-2)).toEqual([
      "lost events not judged: --without excludes it",
      "capture not judged: --without excludes it",
    ]);
    // Excluding one part does not exclude the other.
    expect(verdictOf(quietRun(), { ...other, without: ["lost"] }).verdict).toBe("INCONCLUSIVE");
  });
});

describe("the verdict is FAIL for", () => {
  test("a collector that uses too much CPU time", () => {
    const { verdict, reasons } = verdictOf(run((raw) => burdened(raw, 1.5)));
    expect(verdict).toBe("FAIL");
    expect(reasons[0]).toContain("not below 1 %");
  });

  test("too much CPU time in the kernel alone", () => {
    const raw = run(({ windows }) => {
      for (const window of windows) if (window.run_ns !== null) window.run_ns += 0.01 * window.elapsed_ns;
    });
    expect(verdictOf(raw).verdict).toBe("FAIL");
  });

  test("one lost event", () => {
    const raw = run(({ counts }) => {
      if (counts) counts.lost = 1;
    });
    expect(verdictOf(raw)).toMatchObject({ verdict: "FAIL", reasons: ["1 event was lost"] });
  });

  test("one process that was not captured", () => {
    const raw = run(({ capture }) => {
      if (capture) capture.captured--;
    });
    expect(verdictOf(raw)).toMatchObject({ verdict: "FAIL", reasons: ["6139 of 6140 processes captured (99.98 %)"] });
  });

  test("a slowdown above the threshold", () => {
    const { verdict, reasons } = verdictOf(run((raw) => (raw.slowdown = [slowdownRounds("spawn", 500, 80)])));
    expect(verdict).toBe("FAIL");
    expect(reasons[0]).toContain("longer");
  });

  test("a collector that alone costs too much, if the kernel's part is not known", () => {
    const raw = run((each) => {
      burdened(each, 2);
      for (const window of each.windows) window.run_ns = null;
    });
    expect(verdictOf(raw, { problems: [{ part: "in-kernel", why: "old kernel" }] }).verdict).toBe("FAIL");
  });
});

describe("the verdict is INCONCLUSIVE for", () => {
  const inconclusive = (raw: RawRun, reason: string | RegExp, more: Partial<LedgerContext> = {}): void => {
    const { verdict, reasons } = verdictOf(raw, more);
    expect(verdict).toBe("INCONCLUSIVE");
    expect(reasons.join("\n")).toMatch(reason);
  };

  test("an interval that contains the threshold", () => {
    inconclusive(quietRun(), "the interval contains 0.25 %", { thresholdPct: 0.25 });
  });

  test("an unknown part in the kernel", () => {
    const raw = run(({ windows }) => {
      for (const window of windows) window.run_ns = null;
    });
    inconclusive(raw, "total cost not measured: old kernel", {
      problems: [{ part: "in-kernel", why: "old kernel" }],
    });
  });

  test("no count of lost events, no output to search for the processes, or no slowdown", () => {
    inconclusive(
      run((raw) => (raw.counts = null)),
      "lost events not measured",
    );
    inconclusive(
      run((raw) => (raw.capture = null)),
      "capture not measured",
    );
    inconclusive(
      run((raw) => (raw.slowdown = [])),
      "slowdown not measured",
    );
    const problems = [{ part: "slowdown" as const, why: "the probes were not switched" }];
    inconclusive(quietRun(), "slowdown not measured: the probes were not switched", { problems });
  });

  test("a run that was ended early", () => {
    inconclusive(quietRun(), "did not get to its end: SIGINT", { incomplete: "SIGINT came during the workload" });
  });

  test("a subject that ended by itself", () => {
    inconclusive(quietRun(), "it ended", { problems: [{ part: "subject", why: "it ended with status 3" }] });
  });

  test("a machine full of other work", () => {
    const raw = run(({ windows }) => {
      for (const window of windows) {
        if (window.machine) window.machine = { ...window.machine, userTicks: 380, systemTicks: 20, idleTicks: 0 };
        window.cpu_pressure_us = 1.9e6;
      }
    });
    inconclusive(raw, /the machine was full of other work: 8\d % of its CPU time.*95 % of the time/);
    // A busy machine on which no task has to wait is suitable.
    for (const window of raw.windows) {
      if (window.machine) window.machine = { ...window.machine, userTicks: 200, systemTicks: 20, idleTicks: 180 };
      window.cpu_pressure_us = 0.2e6;
    }
    expect(verdictOf(raw).verdict).toBe("PASS");
  });

  test("steal time", () => {
    const raw = run(({ windows }) => {
      for (const window of windows) if (window.machine) window.machine = { ...window.machine, stealTicks: 40 };
    });
    inconclusive(raw, "the hypervisor took");
  });

  test("a busy machine on which the hypervisor takes most of the time", () => {
    const raw = run(({ windows }) => {
      for (const window of windows) {
        const ticks = { userTicks: 110, systemTicks: 10, idleTicks: 0, stealTicks: 280 };
        if (window.machine) window.machine = { ...window.machine, ...ticks };
        window.cpu_pressure_us = 1.9e6;
      }
    });
    inconclusive(raw, "the hypervisor took 70 %");
    inconclusive(raw, /the machine was full of other work: [5-9]\d % of its CPU time/);
  });

  test("a workload that did not reach its rate", () => {
    const raw = run(({ workloads }) => {
      for (const each of workloads) each.rate_achieved = 80;
    });
    inconclusive(raw, "reached only 80.0 of 100.0 processes a second");
  });
});

describe("a subject other than linnix", () => {
  test("is INCONCLUSIVE unless the parts that it cannot report are excluded", () => {
    const raw = run((each) => {
      each.counts = null;
      each.capture = null;
    });
    const { verdict, reasons } = verdictOf(raw, { isLinnix: false });
    expect(verdict).toBe("INCONCLUSIVE");
    expect(verdictOf(raw, { isLinnix: false, without: ["lost", "capture"] }).verdict).toBe("PASS");
    expect(reasons.join("\n")).toContain("capture left out: the output of other agents is not read");
  });

  test("has no slowdown if it cannot be stopped, and the report says so", () => {
    const raw = run((each) => {
      each.counts = null;
      each.capture = null;
      each.slowdown = [];
    });
    const { verdict, reasons } = verdictOf(raw, { isLinnix: false, canStop: false });
    expect(verdict).toBe("INCONCLUSIVE");
    const without = ["lost", "capture", "slowdown"] as const;
    expect(verdictOf(raw, { isLinnix: false, canStop: false, without }).verdict).toBe("PASS");
    expect(reasons.join("\n")).toContain("slowdown left out: the subject cannot be stopped");
  });
});
