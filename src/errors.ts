/** The exit codes of the command line: docs/exit-codes.md. Only `main.ts` passes them to the system. */
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

/** The text of an error for a user: what happened, why, and a hint. */
export interface ErrorText {
  /**
   * What could not be done, as one clause that names the option, key or path; or only the setting and its wrong value,
   * if `why` says the rest.
   */
  what: string;
  /** The cause, where it is known. */
  why?: string | undefined;
  /** What the user can do about it. */
  hint?: string | undefined;
  /**
   * The setting whose value is wrong, by its name in the file: `run.user`. The text names the option of the setting.
   */
  setting?: string | undefined;
}

/** An error for a user. It ends the program with `exitCode`, and its stack is printed only at the log level debug. */
export class LinnixError extends Error {
  override readonly name = "LinnixError";
  readonly what: string;
  readonly why: string | undefined;
  readonly hint: string | undefined;
  readonly setting: string | undefined;

  /**
   * @param code stable machine-readable name, such as `usage.unknown-option`
   * @param exitCode the exit code of the program
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

/** What happened, and why, in one line, for messages without a hint. */
export function causeOf({ what, why }: Pick<ErrorText, "what" | "why">): string {
  return [what, why].filter(Boolean).join(": ");
}

/** Wrong use: unknown option, bad value, bad configuration (exit code 2). */
export function usageError(code: string, text: ErrorText, options?: ErrorOptions): LinnixError {
  return new LinnixError(`usage.${code}`, EXIT.usage, text, options);
}

/** linnix cannot run on this machine or as this user (exit code 3). */
export function cannotRunError(code: string, text: ErrorText, options?: ErrorOptions): LinnixError {
  return new LinnixError(`cannot-run.${code}`, EXIT.cannotRun, text, options);
}
