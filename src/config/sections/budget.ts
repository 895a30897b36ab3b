import { DETAIL_LEVELS, type DetailLevel } from "../../wire/detail-level.ts";
import type { Section } from "../section.ts";
import { autoOr, choice, integer, percent } from "../values.ts";

export interface BudgetSettings {
  /** What collecting may cost, % of one core, user space and kernel side together; 0: no limit. */
  cpuPct: number;
  /** The lowest level of detail to which linnix may switch to keep the budget. */
  floor: DetailLevel;
  /** Events of one source a second. Above this rate they are counted instead of sent; 0: no limit. */
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
        "Above the budget linnix samples less often, then not at all. Then it lowers an automatic storm rate, and",
        "reports less detail, as far as the floor allows.",
        "The budget covers the CPU time of linnix, and the time of the kernel side for each event that it sends.",
      ],
    },
    floor: {
      toml: "floor",
      flag: "budget-floor",
      hint: "LEVEL",
      type: choice(DETAIL_LEVELS),
      default: "events",
      rare: true,
      doc: "lowest level of detail to which linnix may switch if the budget is exceeded",
      details: [
        "events: every fork, exec and exit is reported, whatever it costs.",
        "processes, summary: if there are more events than the budget allows, linnix reports one line for each",
        "process, then totals only. It returns to a higher level once that level would have cost less than 70% of the",
        "budget for 30 s.",
      ],
    },
    stormRate: {
      toml: "storm_rate",
      flag: "storm-rate",
      hint: "RATE",
      type: autoOr(integer({ min: 0, max: MAX_STORM_RATE, name: "a number of events a second" })),
      default: "auto",
      rare: true,
      doc: "events a second of one source; above this they are counted, not sent; 0: no limit",
      details: [
        "A source is usually a process that forks; docs/storms.md lists the other sources.",
        "auto: a high rate, which linnix lowers if collecting exceeds its budget or rings fill up.",
      ],
    },
  },
};
