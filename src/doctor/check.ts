import type { LinnixError } from "../errors.ts";

/**
 * What a finding means for `linnix collect`:
 * `fail`, it cannot run because of this; `warn`, something it promises is lost, costs more or is unknown; `info`, worth
 * knowing, nothing is lost; `ok`, as it should be.
 */
export type Status = "ok" | "warn" | "fail" | "info";

/** The result of one check. The texts are clauses without a full stop and may contain data of the machine. */
export interface Check {
  /** Stable machine-readable name, kebab-case. */
  id: string;
  title: string;
  status: Status;
  found: string;
  /** What is lost or costs more without it. */
  costs?: string;
  /** What the user can do about it: a command, a setting. */
  hint?: string;
}

/** What an error says, as a finding. */
export function findingOf({ what, why, hint }: LinnixError): Pick<Check, "found" | "hint"> {
  return { found: [what, why].filter(Boolean).join(": "), ...(hint !== undefined && { hint }) };
}

/** Checks that are shown together under one heading. */
export interface Section {
  title: string;
  checks: Check[];
}
