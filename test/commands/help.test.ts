import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GLOBAL_OPTIONS, withGlobalOptions } from "../../src/commands/globals.ts";
import { commandHelp, rootHelp } from "../../src/commands/help.ts";
import { findCommand, listedCommands } from "../../src/commands/index.ts";

const ROOT = join(import.meta.dir, "../..");
const MAIN = join(import.meta.dir, "../../src/main.ts");
/** Path of script(1) of util-linux, which runs a program on a terminal. */
const SCRIPT = "/usr/bin/script";

const COMMANDS = await Promise.all(
  listedCommands().map(async ({ name }) => {
    const entry = findCommand(name);
    if (entry === undefined) throw new Error(`${name} is listed and not found`);
    return { entry, command: await entry.load() };
  }),
);

/** Lines that are too wide. Examples are not wrapped, so they only have to fit an ordinary terminal. */
function wideLines(text: string, columns: number): string[] {
  return text
    .split("\n")
    .filter(
      (line) => line.length > (/^ {2}(sudo )?linnix /.test(line) ? Math.max(columns, ORDINARY_COLUMNS) : columns),
    );
}

const ORDINARY_COLUMNS = 80;
/** Lines of two screens of an ordinary terminal. */
const MOST_LINES = 48;
const FORMS = ["short", "all"] as const;

/** The words of a help text, regardless of wrapping. */
const words = (text: string) =>
  text
    .split(/[\s#]+/)
    .filter(Boolean)
    .sort()
    .join(" ");

describe("help", () => {
  test.each([60, 80])("fits %i columns, with the same words", (columns) => {
    for (const form of FORMS) {
      expect(wideLines(rootHelp(columns, form), columns)).toEqual([]);
      expect(words(rootHelp(columns, form))).toBe(words(rootHelp(100, form)));
      for (const { entry, command } of COMMANDS) {
        const text = commandHelp(entry, command, columns, form);
        expect(wideLines(text, columns)).toEqual([]);
        expect(words(text)).toBe(words(commandHelp(entry, command, 100, form)));
      }
    }
  });

  test.each(COMMANDS.map(({ entry, command }) => [entry.name, entry, command] as const))(
    "of %s fits two screens, and its last line names the long form",
    (name, entry, command) => {
      const lines = commandHelp(entry, command, ORDINARY_COLUMNS).trimEnd().split("\n");
      expect(lines.length).toBeLessThanOrEqual(MOST_LINES);
      expect(lines.at(-1)).toBe(`linnix ${name} --help --all shows every option and example.`);
    },
  );

  test.each(COMMANDS.map(({ entry, command }) => [entry.name, entry, command] as const))(
    "--all of %s has every option, paragraph and example",
    (_, entry, command) => {
      const text = commandHelp(entry, command, ORDINARY_COLUMNS, "all");
      for (const option of Object.keys(withGlobalOptions(command.args))) {
        expect(text).toMatch(new RegExp(`^  (-\\w, )?--${option}( |\\[=|$)`, "m"));
      }
      const flat = text.replace(/\s+/g, " ");
      for (const paragraph of [...command.about, ...(command.details ?? [])]) expect(flat).toContain(paragraph);
      for (const example of command.examples) expect(flat).toContain(`${example.command} # ${example.does}`);
    },
  );

  test("fits one screen without a command", () => {
    expect(rootHelp(ORDINARY_COLUMNS).trimEnd().split("\n").length).toBeLessThanOrEqual(MOST_LINES / 2);
  });

  test("lists only options that the documentation names", () => {
    const names = ["README.md", ...new Bun.Glob("docs/*.{md,toml}").scanSync(ROOT)];
    const documents = names.map((name) => readFileSync(join(ROOT, name), "utf8")).join("\n");
    const options = [GLOBAL_OPTIONS, ...COMMANDS.map(({ command }) => command.args)].flatMap(Object.keys);
    expect(options.filter((name) => !new RegExp(`--${name}(?![a-z-])`).test(documents))).toEqual([]);
  });

  test.skipIf(!existsSync(SCRIPT)).each([
    { terminal: 200, widest: 80 },
    { terminal: 80, widest: 80 },
    // The size of this terminal was never set.
    { terminal: 0, widest: 80 },
    { terminal: 20, widest: 60 },
  ])(`has at most $widest columns on a terminal of $terminal (needs ${SCRIPT})`, ({ terminal, widest }) => {
    const command = `stty cols ${terminal}; exec '${process.execPath}' '${MAIN}' collect --help`;
    const { stdout } = Bun.spawnSync([SCRIPT, "-qec", command, "/dev/null"], { stdin: "ignore" });
    const text = stdout.toString().replaceAll("\r\n", "\n");
    const collect = COMMANDS.find(({ entry }) => entry.name === "collect");
    if (collect === undefined) throw new Error("no collect");
    expect(text).toBe(commandHelp(collect.entry, collect.command, widest));
  });
});
