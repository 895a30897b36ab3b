/** The outputs for the report of a measuring command: `--json FILE|-`, `--html FILE`, and text for people. */
import { writeStderr } from "../config/log.ts";
import { pathOrStdout } from "../config/values.ts";
import { usageError } from "../errors.ts";
import { ReportFile } from "../report/report-file.ts";
import type { TextStyle } from "../report/terminal/style.ts";
import { type Invocation, optionValue, type ParsedArgs } from "./command.ts";
import { ClosedPipe, writeStdout } from "./stdout.ts";
import { isTerminal } from "./terminal.ts";

/** One report in each of its forms. linnix creates only the forms that options request. */
export interface ReportForms {
  json(): string | Promise<string>;
  html(): string | Promise<string>;
  text(style: TextStyle): string;
}

/** The assumed width of a terminal that does not report its width. */
export const DEFAULT_COLUMNS = 80;

export class ReportOutput implements Disposable {
  /** Style of the progress, which goes to stderr. */
  readonly progress: TextStyle & { isTty: boolean };
  /** Whether the report for people goes to the terminal that shows progress. */
  readonly followsProgress: boolean;
  readonly #style: TextStyle;
  readonly #json: ReportFile | null;
  readonly #html: ReportFile | null;
  /** Whether the JSON report goes to stdout. Then the report for people goes to stderr. */
  readonly #isJsonToStdout: boolean;

  private constructor({ args, color }: Invocation, terminals: { out: boolean; err: boolean }) {
    const jsonPath = filePath(args, "json", { stdout: true });
    const htmlPath = filePath(args, "html", { stdout: false });
    using begun = new DisposableStack();
    const begin = (path: string | null | undefined, option: string) =>
      typeof path === "string" ? begun.use(ReportFile.begin(path, option)) : null;
    this.#json = begin(jsonPath, "--json");
    this.#html = begin(htmlPath, "--html");
    this.#isJsonToStdout = jsonPath === null;
    const isDumb = process.env.TERM === "dumb";
    const errColor = terminals.err && !isDumb && !args.switches.has("no-color") && !process.env.NO_COLOR;
    const columns = process.stderr.columns || DEFAULT_COLUMNS;
    this.progress = { isTty: terminals.err && !isDumb, color: errColor, columns: terminals.err ? columns : null };
    this.followsProgress = terminals.err && (this.#isJsonToStdout || terminals.out);
    this.#style = this.#isJsonToStdout
      ? { color: errColor, columns: this.progress.columns }
      : { color, columns: terminals.out ? columns : null };
    begun.move();
  }

  /**
   * Creates the report files that the options name.
   * @throws LinnixError (exit code 2) if a file cannot be written
   */
  static async open(invocation: Invocation): Promise<ReportOutput> {
    return new ReportOutput(invocation, { out: await isTerminal(1), err: await isTerminal(2) });
  }

  /** Writes the report. A reader that closes stdout early changes neither the report nor the exit code. */
  async finish({ json, html, text }: ReportForms): Promise<void> {
    if (this.#json !== null || this.#isJsonToStdout) {
      const written = await json();
      this.#json?.finish(written);
      if (this.#isJsonToStdout) writeToReader(written);
    }
    this.#html?.finish(await html());
    (this.#isJsonToStdout ? writeStderr : writeToReader)(text(this.#style));
  }

  /** Removes the files that were not finished. */
  [Symbol.dispose](): void {
    this.#html?.[Symbol.dispose]();
    this.#json?.[Symbol.dispose]();
  }
}

function writeToReader(text: string): void {
  try {
    writeStdout(text);
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error;
  }
}

/** Path that an option names; null for stdout, undefined if the option is not given. */
function filePath(args: ParsedArgs, option: string, { stdout }: { stdout: boolean }): string | null | undefined {
  if (!args.words.has(option)) return undefined;
  const path = optionValue(args, option, pathOrStdout, null);
  if (path !== null || stdout) return path;
  throw usageError("bad-value", {
    what: `--${option} -`,
    why: "an HTML page can only be written to a file",
    hint: `expected --${option} FILE`,
  });
}
