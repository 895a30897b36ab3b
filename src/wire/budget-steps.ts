/**
 * What the collector gives up to keep its CPU budget, by level. `no_samples` and all later steps take no samples. At
 * `processes` and `summary`, the storm rate may be lowered as well. The names are part of the public interface: `step`
 * of `degraded` events and of /status.
 */
export const BUDGET_STEPS = ["as_set", "fewer_samples", "no_samples", "storm_rate", "processes", "summary"] as const;
export type BudgetStep = (typeof BUDGET_STEPS)[number];

/** The effect of each step, as a clause for messages. */
export const STEP_TEXTS: { readonly [step in BudgetStep]: string } = {
  as_set: "nothing is given up",
  fewer_samples: "samples are taken less often",
  no_samples: "no samples are taken",
  storm_rate: "the rate of --storm-rate auto is lowered, and no samples are taken",
  processes: "processes are reported by one line each, and no samples are taken",
  summary: "processes are reported by totals only, and no samples are taken",
};

/** Index in {@link BUDGET_STEPS}. */
export type BudgetLevel = 0 | 1 | 2 | 3 | 4 | 5;
