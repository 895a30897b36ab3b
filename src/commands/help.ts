import type { Command, OptionDefs } from "./command.ts";
import { GLOBAL_OPTIONS } from "./globals.ts";
import { type CommandEntry, listedCommands } from "./index.ts";

const WIDTH = 100;

/** Help of the program: its commands, and the options that all have. */
export function rootHelp(): string {
  const commands = listedCommands().map(
    ({ name, aliases = [], description }): Row => [[name, ...aliases].join(", "), description],
  );
  return [
    "linnix - watch every process of this machine from the kernel, at a cost that can be measured",
    "",
    "Usage: linnix COMMAND [OPTION]...",
    "",
    "Commands:",
    ...columns(commands),
    "",
    ...optionGroups(GLOBAL_OPTIONS),
    "linnix COMMAND --help tells more about a command.",
    "",
  ].join("\n");
}

/** Help of one command. */
export function commandHelp({ name, aliases = [], description }: CommandEntry, command: Command): string {
  return [
    `linnix ${name} - ${description}`,
    "",
    `Usage: linnix ${name} [OPTION]...${command.rest ? ` [-- ${command.rest}]` : ""}`,
    ...aliases.map((alias) => `       linnix ${alias} ...`),
    "",
    ...command.about.flatMap((paragraph) => [...wrap(paragraph, WIDTH), ""]),
    ...optionGroups({ ...command.args, ...GLOBAL_OPTIONS }),
    "Examples:",
    ...command.examples.flatMap((example) => [`  ${example.command}`, `      ${example.does}`]),
    "",
    "Exit codes:",
    ...columns(command.exits.map(({ code, meaning }): Row => [String(code), meaning])),
    "",
  ].join("\n");
}

function optionGroups(options: OptionDefs): string[] {
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
  return [...groups].flatMap(([group, rows]) => [`${group}:`, ...columns(rows, left), ""]);
}

type Row = readonly [left: string, right: string];

/** Two columns, the right one wrapped. */
function columns(rows: readonly Row[], left: number = widest(rows)): string[] {
  return rows.flatMap(([label, text]) =>
    wrap(text, WIDTH - left - 4).map((line, index) => `  ${(index === 0 ? label : "").padEnd(left)}  ${line}`),
  );
}

function widest(rows: readonly Row[]): number {
  return Math.max(...rows.map(([text]) => text.length));
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
