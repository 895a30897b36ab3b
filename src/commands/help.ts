import { wrap } from "../report/terminal/layout.ts";
import type { Command, OptionDefs } from "./command.ts";
import { GLOBAL_OPTIONS, withGlobalOptions } from "./globals.ts";
import { type CommandEntry, listedCommands } from "./index.ts";
import { isTerminal } from "./terminal.ts";

/** Columns of help where there is no terminal, and the most in one: longer lines are hard to read. */
const MAX_COLUMNS = 100;
/** Narrower than this, text beside the options is a ribbon of single words. */
const MIN_COLUMNS = 60;
const INDENT = "      ";

/** How wide help is to be on this file descriptor. */
export async function helpColumns(fd: 1 | 2): Promise<number> {
  if (!(await isTerminal(fd))) return MAX_COLUMNS;
  // A terminal that was never told its size says that it has no columns.
  const { columns } = fd === 1 ? process.stdout : process.stderr;
  return Math.max(MIN_COLUMNS, Math.min(columns || 80, MAX_COLUMNS));
}

/** Help of the program: its commands, and the options that all have; wrapped at so many columns. */
export function rootHelp(columns: number): string {
  const commands = listedCommands().map(
    ({ name, aliases = [], description }): Row => [[name, ...aliases].join(", "), description],
  );
  return [
    ...wrap("linnix - watch every process of this machine from the kernel, at a cost that can be measured", columns),
    "",
    "Usage: linnix COMMAND [OPTION]...",
    "",
    "Commands:",
    ...twoColumns(commands, columns),
    "",
    ...optionGroups(GLOBAL_OPTIONS, columns),
    "linnix COMMAND --help tells more about a command.",
    "",
  ].join("\n");
}

/** Help of one command, wrapped at so many columns; examples stand on one line each, as they can be copied. */
export function commandHelp(
  { name, aliases = [], description }: CommandEntry,
  command: Command,
  columns: number,
): string {
  return [
    ...wrap(`linnix ${name} - ${description}`, columns),
    "",
    `Usage: linnix ${name} [OPTION]...${command.rest ? ` [-- ${command.rest}]` : ""}`,
    ...aliases.map((alias) => `       linnix ${alias} ...`),
    "",
    ...command.about.flatMap((paragraph) => [...wrap(paragraph, columns), ""]),
    ...optionGroups(withGlobalOptions(command.args), columns),
    "Examples:",
    ...command.examples.flatMap((example) => [
      `  ${example.command}`,
      ...wrap(example.does, columns - INDENT.length).map((line) => INDENT + line),
    ]),
    "",
    "Exit codes:",
    ...twoColumns(
      command.exits.map(({ code, meaning }): Row => [String(code), meaning]),
      columns,
    ),
    "",
  ].join("\n");
}

function optionGroups(options: OptionDefs, columns: number): string[] {
  const groups = new Map<string, Row[]>();
  for (const [name, option] of Object.entries(options)) {
    const { alias, valueHint, description, defaultText, multiple, bareValue, group = "Options" } = option;
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
