import { type BudgetStep, STEP_TEXTS } from "./budget-steps.ts";

/**
 * What the collector does not report, as clauses for messages.
 *
 * @param missingFields fields that this backend cannot report
 * @param step what the collector gives up to keep its budget; undefined if there is no budget
 */
export function shortfalls(
  backend: string,
  missingFields: readonly string[],
  step: BudgetStep | undefined,
): readonly string[] {
  return [
    ...(step === undefined || step === "as_set" ? [] : [`the budget is exceeded: ${STEP_TEXTS[step]}`]),
    ...(missingFields.length === 0 ? [] : [`the ${backend} backend has no values for ${fieldsText(missingFields)}`]),
  ];
}

/** The fields that users miss most. They are named first. */
const KNOWN_BEST: readonly string[] = ["args", "exit_code", "cpu_user_ns"];
/**
 * If more fields are missing, the clause contains their number and a few examples. The start line and /status list all
 * of them.
 */
const MOST_NAMED = 4;

function fieldsText(fields: readonly string[]): string {
  if (fields.length <= MOST_NAMED) return fields.join(", ");
  const best = KNOWN_BEST.filter((field) => fields.includes(field));
  const named = [...best, ...fields.filter((field) => !best.includes(field))].slice(0, KNOWN_BEST.length);
  return `${fields.length} fields, such as ${named.join(", ")}`;
}
