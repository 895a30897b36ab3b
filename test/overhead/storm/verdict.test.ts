import { describe, expect, test } from "bun:test";
import type { StormFigures, StormHead } from "../../../src/overhead/storm/result.ts";
import { judgeStorm } from "../../../src/overhead/storm/verdict.ts";
import { BUDGET, goodFigures } from "./figures.ts";

function judged(change: (figures: StormFigures) => void, budget: StormHead["budget"] = BUDGET) {
  const figures = goodFigures();
  change(figures);
  return judgeStorm(figures, budget, null);
}

/** Figures of a run with the given changes. */
function the<T>(part: T | null): T {
  if (part === null) throw new Error("is null");
  return part;
}

describe("the verdict of a storm", () => {
  test("is PASS if nothing was lost, the neighbour is complete and the cost is within the limit", () => {
    const { verdict, reasons } = judged(() => {});
    expect(verdict).toBe("PASS");
    expect(reasons.join("; ")).toBe(
      "nothing lost; all 1,850 processes of the neighbour captured, in order; at most 1.10 % of one core in any 5 s, and 1.20 % allowed",
    );
  });

  const failures: Record<string, [change: (figures: StormFigures) => void, reason: string]> = {
    "an event was lost": [
      (figures) => {
        const events = the(figures.events);
        events.lost = 1;
        events.lost_by_type = { fork: 1, exec: 0, exit: 0 };
        events.received = { ...events.received, fork: 3999 };
      },
      "1 events lost",
    ],
    "a process of the neighbour is missing": [
      (figures) => {
        the(figures.neighbour).captured--;
      },
      "the neighbour is not complete: 1 of 1,850 processes not captured",
    ],
    "an event of the neighbour is out of order": [
      (figures) => {
        the(figures.neighbour).out_of_order = 2;
      },
      "the neighbour is not complete: 2 events out of order",
    ],
    "an event is in no count": [
      (figures) => {
        the(figures.events).seen.exec++;
      },
      "the counts of exec do not add up",
    ],
    "a record reached user space and is in no count": [
      (figures) => {
        const events = the(figures.events);
        events.received = { ...events.received, exit: 3999 };
      },
      "the counts of exit do not add up",
    ],
    "the cost is above the limit": [
      (figures) => {
        the(figures.cost).most_pct = 1.3;
      },
      "collecting took 1.30 % of one core in any 5 s, and 1.20 % is allowed",
    ],
    "the collector ended": [
      (figures) => {
        figures.problem = "it was ended by SIGSEGV";
      },
      "the collector did not run to the end: it was ended by SIGSEGV",
    ],
  };
  test.each(Object.entries(failures))("is FAIL if %s", (_, [change, reason]) => {
    expect(judged(change)).toEqual({ verdict: "FAIL", reasons: [reason] });
  });

  const open: Record<string, [change: (figures: StormFigures) => void, reason: string, budget?: StormHead["budget"]]> =
    {
      "nothing was suppressed": [
        (figures) => {
          the(figures.storm).suppressed = { fork: 0, exec: 0, exit: 0 };
        },
        "this machine's storm did not exceed the rate above which events are counted instead of sent",
      ],
      "no rate limits a source": [
        (figures) => {
          the(figures.storm).suppressed = { fork: 0, exec: 0, exit: 0 };
        },
        "budget.storm_rate is 0: no source is limited",
        { ...BUDGET, storm_rate: 0 },
      ],
      "the cost was not measured": [
        (figures) => {
          the(figures.cost).most_pct = null;
        },
        "the cost in the storm was not measured: this test did not run all the time, or the storm was too short",
      ],
      "the neighbour itself was a storm": [
        (figures) => {
          Object.assign(the(figures.neighbour), { captured: 1800, most_in_50_ms: 17 });
        },
        "the neighbour was not quiet: it fell behind, and made 17 processes within 50 ms",
      ],
      "the neighbour is in totals": [
        (figures) => {
          the(figures.neighbour).captured = 0;
          const events = the(figures.events);
          events.folded = { fork: 1, exec: 0, exit: 0 };
          events.seen.fork++;
        },
        "single processes are not in the output: detail is below events, or budget.floor allowed a lower level",
      ],
      "there is no summary": [
        (figures) => {
          figures.events = null;
        },
        "the collector did not write its summary",
      ],
    };
  test.each(Object.entries(open))("is INCONCLUSIVE if %s", (_, [change, reason, budget]) => {
    expect(judged(change, budget)).toEqual({ verdict: "INCONCLUSIVE", reasons: [reason] });
  });

  test("of a run that did not reach the storm does not judge the rate of this machine", () => {
    const { verdict, reasons } = judged((figures) => {
      figures.storm = null;
    });
    expect(verdict).toBe("INCONCLUSIVE");
    expect(reasons).toEqual(["the run did not reach the storm"]);
  });

  test("of a run that was ended early is INCONCLUSIVE, whatever was lost", () => {
    const figures = goodFigures();
    the(figures.events).lost = 5;
    expect(judgeStorm(figures, BUDGET, "SIGINT came during the storm")).toEqual({
      verdict: "INCONCLUSIVE",
      reasons: ["SIGINT came during the storm"],
    });
  });

  test("does not judge the cost without a budget", () => {
    const { verdict, reasons } = judged((figures) => {
      Object.assign(the(figures.cost), { limit_pct: null, most_pct: 50 });
    });
    expect(verdict).toBe("PASS");
    expect(reasons.join()).not.toContain("core");
  });
});
