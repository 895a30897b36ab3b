import { commandIndex, parseArgv } from "../../src/commands/argv.ts";
import type { OptionDefs } from "../../src/commands/command.ts";
import { GLOBAL_OPTIONS, withGlobalOptions } from "../../src/commands/globals.ts";
import { findCommand } from "../../src/commands/index.ts";
import { loadSettings } from "../../src/config/load.ts";

/** Words of a line as a shell splits it; `|`, `;`, `&&`, `||`, `&` and redirections are words of their own. */
export function shellWords(line: string): string[] {
  const token =
    /\s*(#.*$|&&|\|\||[|;&]|\d?>>?(?:&\d)?|<|(?:'[^']*'|"(?:\\.|[^"\\])*"|\$\([^)]*\)|\\.|[^\s|;&<>'"\\])+)/gy;
  const words: string[] = [];
  for (const [, word = ""] of line.matchAll(token)) {
    if (word.startsWith("#")) break;
    words.push(
      /^['"]/.test(word) || /=['"]/.test(word)
        ? word.replace(/^(['"])(.*)\1$/, "$2").replace(/=(['"])(.*)\1$/, "=$2")
        : word,
    );
  }
  return words;
}

/** The arguments of each call of linnix in a shell line. */
export function callsOf(line: string): string[][] {
  const calls: string[][] = [[]];
  const words = shellWords(line.replace(/^\$ /, ""));
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (/^(?:&&|\|\||[|;&])$/.test(word)) calls.push([]);
    // The file that a redirection names is no argument.
    else if (/^(?:\d?>>?|<)$/.test(word)) at++;
    else if (!/^\d?>>?&\d$/.test(word)) calls.at(-1)?.push(word);
  }
  return calls.flatMap((call) => {
    const words = call.slice(call.findIndex((word) => !/^(?:sudo|env|[A-Z_]+=.*|--block-signal=.*)$/.test(word)));
    const program = words[0] ?? "";
    return /^(?:.*\/)?linnix$/.test(program) ? [words.slice(1)] : [];
  });
}

/** Parses a call as the program does, with the values of its settings. @throws {LinnixError} if it is wrong */
export async function checkCall(args: readonly string[]): Promise<void> {
  const at = commandIndex(args, GLOBAL_OPTIONS);
  const name = args[at];
  const before = at < 0 ? args : args.slice(0, at);
  parseArgv(before, GLOBAL_OPTIONS, { command: "linnix", rest: false });
  if (name === undefined || name === "help") return;
  const entry = findCommand(name);
  if (entry === undefined) throw new Error(`no command ${name}`);
  const command = await entry.load();
  const options: OptionDefs = withGlobalOptions(command.args);
  const words = [...before, ...args.slice(at + 1)];
  const parsed = parseArgv(words, options, { command: `linnix ${name}`, rest: command.rest !== undefined });
  const flags = new Map([...parsed.words].filter(([option]) => options[option]?.isSetting));
  await loadSettings({ flags, env: {}, defaultFile: null });
}
