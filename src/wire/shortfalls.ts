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
    ...(missingFields.length === 0 ? [] : [`the ${backend} backend has no values for ${fieldsText(missingFields)}`]),
  ];
}

/** What users look for first. */
const KNOWN_BEST: readonly string[] = ["args", "exit_code", "cpu_user_ns"];
/** More are counted: the start line and /status list them. */
const MOST_NAMED = 4;

function fieldsText(fields: readonly string[]): string {
  if (fields.length <= MOST_NAMED) return fields.join(", ");
  const best = KNOWN_BEST.filter((field) => fields.includes(field));
  const named = [...best, ...fields.filter((field) => !best.includes(field))].slice(0, KNOWN_BEST.length);
  return `${fields.length} fields, such as ${named.join(", ")}`;
}
