import { wrap } from "../report/terminal/layout.ts";
import type { Command, Example, OptionDefs } from "./command.ts";
import { GLOBAL_OPTIONS, withGlobalOptions } from "./globals.ts";
import { type CommandEntry, listedCommands } from "./index.ts";
import { isTerminal } from "./terminal.ts";

/** Columns of help, except on a narrower terminal: an ordinary terminal has 80. */
const MAX_COLUMNS = 80;
/**
 * The least width of help. Lines stay this wide on a narrower terminal, because the right column would become too
 * narrow.
 */
const MIN_COLUMNS = 60;
const INDENT = "      ";

/** The short form leaves out options, paragraphs and examples that few users need. */
export type HelpForm = "short" | "all";

/** Width of the help on this file descriptor, columns. */
export async function helpColumns(fd: 1 | 2): Promise<number> {
  if (!(await isTerminal(fd))) return MAX_COLUMNS;
  // A terminal whose size was never set reports 0 columns.
  const { columns } = fd === 1 ? process.stdout : process.stderr;
  return Math.max(MIN_COLUMNS, Math.min(columns || MAX_COLUMNS, MAX_COLUMNS));
}

/** Help of the program: its commands and the options of all commands, wrapped at `columns`. */
export function rootHelp(columns: number, form: HelpForm = "short"): string {
  const commands = listedCommands().map(
    ({ name, aliases = [], description }): Row => [[name, ...aliases].join(", "), description],
  );
  return [
    ...wrap("linnix - watch every process of this machine from the kernel, at a measured cost", columns),
    "",
    "Usage: linnix COMMAND [OPTION]...",
    "",
    "Commands:",
    ...twoColumns(commands, columns),
    "",
    ...optionGroups(GLOBAL_OPTIONS, columns, form),
    ...wrap("linnix COMMAND --help shows the options of a command, and --help --all shows all of them.", columns),
    "",
  ].join("\n");
}

/** Help of one command, wrapped at `columns`. The command of an example is not wrapped, so that it can be copied. */
export function commandHelp(
  { name, aliases = [], description }: CommandEntry,
  command: Command,
  columns: number,
  form: HelpForm = "short",
): string {
  const isShown = ({ rare }: { rare?: true }): boolean => form === "all" || !rare;
  const paragraphs = form === "all" ? [...command.about, ...(command.details ?? [])] : command.about;
  const exits = command.exits.map(({ code, meaning }): Row => [String(code), meaning]);
  const lines = [
    ...wrap(`linnix ${name} - ${description}`, columns),
    "",
    `Usage: linnix ${name} [OPTION]...${command.rest ? ` [-- ${command.rest}]` : ""}`,
    ...aliases.map((alias) => `       linnix ${alias} ...`),
    "",
    ...paragraphs.flatMap((paragraph) => [...wrap(paragraph, columns), ""]),
    ...optionGroups(withGlobalOptions(command.args), columns, form),
    "Examples:",
    ...command.examples.filter(isShown).flatMap((example) => exampleLines(example, columns)),
    "",
    "Exit codes:",
    ...twoColumns(exits, columns),
  ];
  const rest =
    form === "all" ? [] : ["", ...wrap(`linnix ${name} --help --all shows every option and example.`, columns)];
  return [...lines, ...rest, ""].join("\n");
}

/** An example with its comment, on one line if both fit. */
function exampleLines({ command, does }: Example, columns: number): string[] {
  const line = `  ${command}   # ${does}`;
  if (line.length <= columns) return [line];
  return [`  ${command}`, ...wrap(`# ${does}`, columns - INDENT.length).map((each) => INDENT + each)];
}

/** Options by group; the short form has one group. */
function optionGroups(options: OptionDefs, columns: number, form: HelpForm): string[] {
  const groups = new Map<string, Row[]>();
  for (const [name, option] of Object.entries(options)) {
    const { alias, valueHint, description, defaultText, multiple, bareValue, rare } = option;
    if (form === "short" && rare) continue;
    const group = form === "short" ? "Options" : (option.group ?? "Options");
    const short = alias ? `-${alias}, ` : "";
    const hint = `${valueHint}${multiple && !valueHint?.endsWith("...") ? ",..." : ""}`;
    const value = !valueHint ? "" : bareValue === undefined ? ` ${hint}` : `[=${hint}]`;
    const rows = groups.get(group) ?? [];
    groups.set(group, rows);
    rows.push([`${short}--${name}${value}`, `${description}${defaultText ? ` [${defaultText}]` : ""}`]);
  }
  const left = widest([...groups.values()].flat());
  return [...groups].flatMap(([group, rows]) => [`${group}:`, ...twoColumns(rows, columns, left), ""]);
}

type Row = readonly [left: string, right: string];

/** Two columns, the right one wrapped. */
function twoColumns(rows: readonly Row[], columns: number, left = widest(rows)): string[] {
  return rows.flatMap(([label, text]) =>
    wrap(text, columns - left - 4).map((line, index) => `  ${(index === 0 ? label : "").padEnd(left)}  ${line}`),
  );
}

function widest(rows: readonly Row[]): number {
  return Math.max(...rows.map(([text]) => text.length));
}
