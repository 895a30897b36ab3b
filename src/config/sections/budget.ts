import type { Section } from "../section.ts";
import { percent } from "../values.ts";

export interface BudgetSettings {
  /** What collecting may cost, % of one core, user space and kernel side together; 0: whatever it takes. */
  cpuPct: number;
}

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
      details: ["Above it sampling becomes rarer, then stops. Process events are never dropped for it."],
    },
  },
};
