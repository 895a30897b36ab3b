import type { LinnixError } from "../errors.ts";

/**
 * What a finding means for `linnix collect`. `fail`: collect cannot run. `warn`: something that linnix promises is
 * lost, costs more or is unknown. `info`: worth knowing, but not a fault. `ok`: as it should be.
 */
export type Status = "ok" | "warn" | "fail" | "info";

/** The result of one check. The texts are clauses without a full stop and may contain data of the machine. */
export interface Check {
  /** Stable machine-readable name, kebab-case. */
  id: string;
  title: string;
  status: Status;
  found: string;
  /** What is lost or costs more because of the finding. */
  costs?: string;
  /** What the user can do about it: a command, a setting. */
  hint?: string;
}

/** The texts of an error as a finding. */
export function findingOf({ what, why, hint }: LinnixError): Pick<Check, "found" | "hint"> {
  return { found: [what, why].filter(Boolean).join(": "), ...(hint !== undefined && { hint }) };
}

/** Checks that are shown together under one heading. */
export interface Section {
  title: string;
  checks: Check[];
}
