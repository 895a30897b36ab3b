import { DETAIL_LEVELS, type DetailLevel } from "../../wire/detail-level.ts";
import type { Section } from "../section.ts";
import { autoOr, choice, integer, percent } from "../values.ts";

export interface BudgetSettings {
  /** What collecting may cost, % of one core, user space and kernel side together; 0: whatever it takes. */
  cpuPct: number;
  /** The least detail that the budget may come down to. */
  floor: DetailLevel;
  /** The events of a source with more events a second are counted instead of sent; 0: no limit. */
  stormRate: number | "auto";
}

/** An event each nanosecond is more than any machine has. */
const MAX_STORM_RATE = 1_000_000_000;

export const budget: Section<BudgetSettings> = {
  name: "budget",
  title: "CPU budget of the collector",
  keys: {
    cpuPct: {
      toml: "cpu",
      flag: "cpu-budget",
      hint: "PERCENT",
      type: percent({ min: 0, max: 100, example: 1 }),
      default: 1,
      doc: "CPU budget, of one core; 0: no limit",
      details: [
        "Above it sampling becomes rarer, then stops. Then detail is given up, as far as the floor allows.",
        "The CPU time of the process counts, and that of the kernel side for events that are sent.",
      ],
    },
    floor: {
      toml: "floor",
      flag: "budget-floor",
      hint: "LEVEL",
      type: choice(DETAIL_LEVELS),
      default: "events",
      rare: true,
      doc: "least detail that linnix keeps if the budget is exceeded",
      details: [
        "events: every fork, exec and exit is reported, whatever it costs.",
        "processes, summary: while more happens than the budget allows, linnix reports one line for each process, then",
        "totals only. A richer level comes back once it would cost less than 70% of the budget for 30 s.",
      ],
    },
    stormRate: {
      toml: "storm_rate",
      flag: "storm-rate",
      hint: "RATE",
      type: autoOr(integer({ min: 0, max: MAX_STORM_RATE, name: "a number of events a second" })),
      default: "auto",
      rare: true,
      doc: "events a second above which those of one source are counted instead of sent; 0: no limit",
      details: [
        "A source is a process that forks, or the young processes of a cgroup or a uid together. auto: no limit while collecting keeps its budget and rings have room.",
      ],
    },
  },
};
