import { type BudgetStep, STEP_TEXTS } from "./budget-steps.ts";

/**
 * What the collector leaves out, one clause each, for a person.
 *
 * @param missingFields fields that this backend cannot give
 * @param step what the collector gives up to keep its budget; undefined: there is no budget
 */
export function shortfalls(
  backend: string,
  missingFields: readonly string[],
  step: BudgetStep | undefined,
): readonly string[] {
  return [
    ...(step === undefined || step === "as_set" ? [] : [`the budget is exceeded: ${STEP_TEXTS[step]}`]),
    ...(missingFields.length === 0 ? [] : [`the ${backend} backend has no values for ${missingFields.join(", ")}`]),
  ];
}
