import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GLOBAL_OPTIONS } from "../../src/commands/globals.ts";
import { commandHelp, rootHelp } from "../../src/commands/help.ts";
import { findCommand, listedCommands } from "../../src/commands/index.ts";

const ROOT = join(import.meta.dir, "../..");
const MAIN = join(import.meta.dir, "../../src/main.ts");
/** util-linux's, which gives a program a terminal. */
const SCRIPT = "/usr/bin/script";

const COMMANDS = await Promise.all(
  listedCommands().map(async ({ name }) => {
    const entry = findCommand(name);
    if (entry === undefined) throw new Error(`${name} is listed and not found`);
    return { entry, command: await entry.load() };
  }),
);

/** Lines that are wider, other than the examples, which are for copying. */
function wideLines(text: string, columns: number): string[] {
  return text.split("\n").filter((line) => line.length > columns && !/^ {2}(sudo )?linnix /.test(line));
}

/** What help says, be it wrapped in whatever way. */
const words = (text: string) => text.split(/\s+/).filter(Boolean).sort().join(" ");

describe("help", () => {
  test.each([60, 80, 100])("keeps to %i columns, and says the same", (columns) => {
    expect(wideLines(rootHelp(columns), columns)).toEqual([]);
    expect(words(rootHelp(columns))).toBe(words(rootHelp(100)));
    for (const { entry, command } of COMMANDS) {
      const text = commandHelp(entry, command, columns);
      expect(wideLines(text, columns)).toEqual([]);
      expect(words(text)).toBe(words(commandHelp(entry, command, 100)));
    }
  });

  test("has no option that the documentation does not name", () => {
    const names = ["README.md", ...new Bun.Glob("docs/*.{md,toml}").scanSync(ROOT)];
    const documents = names.map((name) => readFileSync(join(ROOT, name), "utf8")).join("\n");
    const options = [GLOBAL_OPTIONS, ...COMMANDS.map(({ command }) => command.args)].flatMap(Object.keys);
    expect(options.filter((name) => !new RegExp(`--${name}(?![a-z-])`).test(documents))).toEqual([]);
  });

  test.skipIf(!existsSync(SCRIPT)).each([
    { terminal: 200, widest: 100 },
    { terminal: 80, widest: 80 },
    // Never told its size.
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
