/** The exit codes that the command line promises; `main.ts` alone hands them to the system. */
export const EXIT = {
  ok: 0,
  fail: 1,
  usage: 2,
  cannotRun: 3,
  inconclusive: 4,
  sigint: 130,
  sigterm: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What every error for a user says: what happened, why, and a hint. */
export interface ErrorText {
  /**
   * What could not be done, as one clause that names the option, key or path; or only the setting and its wrong value, if `why`
   * says the rest.
   */
  what: string;
  /** The cause, where it is known. */
  why?: string | undefined;
  /** What the user can do about it. */
  hint?: string | undefined;
  /** The setting whose value it is about, as the configuration file names it: `run.user`. The text names its option. */
  setting?: string | undefined;
}

/** An error that is meant for a person: it is printed without a stack trace, and ends the program with `exitCode`. */
export class LinnixError extends Error {
  override readonly name = "LinnixError";
  readonly what: string;
  readonly why: string | undefined;
  readonly hint: string | undefined;
  readonly setting: string | undefined;

  /**
   * @param code stable machine-readable name, such as `usage.unknown-option`
   * @param exitCode the exit code of the contract
   */
  constructor(
    readonly code: string,
    readonly exitCode: ExitCode,
    text: ErrorText,
    options?: ErrorOptions,
  ) {
    super([text.what, text.why, text.hint].filter(Boolean).join("; "), options);
    this.what = text.what;
    this.why = text.why;
    this.hint = text.hint;
    this.setting = text.setting;
  }
}

/** What happened, and why: for a place that has no room for a hint. */
export function causeOf({ what, why }: Pick<ErrorText, "what" | "why">): string {
  return [what, why].filter(Boolean).join(": ");
}

/** Wrong use: unknown option, bad value, bad configuration (exit code 2). */
export function usageError(code: string, text: ErrorText, options?: ErrorOptions): LinnixError {
  return new LinnixError(`usage.${code}`, EXIT.usage, text, options);
}

/** This machine or this user cannot run it (exit code 3). */
export function cannotRunError(code: string, text: ErrorText, options?: ErrorOptions): LinnixError {
  return new LinnixError(`cannot-run.${code}`, EXIT.cannotRun, text, options);
}
