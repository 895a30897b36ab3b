/**
 * Every command line in the documentation is valid.
 *
 * A fence of `sh` or `console` contains commands. Each calls linnix and parses, or the fence is marked as an example
 * with a reason: "sh example: needs a running daemon".
 */
import { describe, expect, test } from "bun:test";
import { GLOBAL_OPTIONS, withGlobalOptions } from "../../src/commands/globals.ts";
import { COMMANDS, findCommand } from "../../src/commands/index.ts";
import { callsOf, checkCall, shellWords } from "./command-lines.ts";
import { codeSpans, type Fence, type Page, pages } from "./markdown.ts";

/** The changelog names options of earlier versions. */
const PAGES = pages().filter(({ path }) => path !== "CHANGELOG.md" && !path.startsWith("licenses/"));

const SHELL = /^(?:sh|bash|shell|console)\b/;

/** Options of other programs that the documentation names. */
const OF_OTHERS: Record<string, readonly string[]> = {
  "docker and podman": ["--cap-add", "--privileged", "--security-opt", "--pid=host", "--cgroupns=host", "--ulimit"],
  unshare: ["--pid", "--mount-proc"],
  "scripts and benches of this repository": [
    "--update",
    "--objects-only",
    "--target",
    "--only",
    "--a-args",
    "--b-args",
  ],
  "programs whose secrets are redacted": ["--password", "--password-stdin", "--use-token", "--secret", "--key"],
  "GNU coreutils": ["--block-signal"],
  "stress-ng": ["--fork", "--fork-ops"],
};
const FOREIGN = new Set(Object.values(OF_OTHERS).flat());

/** The commands in a fence, with continued lines joined. */
function commandLines({ info, lines, line }: Fence): { line: number; text: string }[] {
  const isConsole = info.startsWith("console");
  const joined: { line: number; text: string }[] = [];
  let continued = false;
  for (const [index, text] of lines.entries()) {
    const last = joined.at(-1);
    if (continued && last !== undefined) last.text += ` ${text.trim()}`;
    else if (!isConsole || text.startsWith("$ ")) joined.push({ line: line + index, text });
    continued = text.endsWith("\\");
    const now = joined.at(-1);
    if (continued && now !== undefined) now.text = now.text.replace(/\\$/, "");
  }
  return joined.filter(({ text }) => text.trim() !== "" && !text.trim().startsWith("#"));
}

async function problemsIn(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const fence of page.fences.filter(({ info }) => SHELL.test(info))) {
    const [, marked, reason = ""] = /^\w+(\s+example:?\s*(.*))?$/.exec(fence.info) ?? [];
    const place = `${page.path}:${fence.line - 1}`;
    if (marked !== undefined) {
      if (reason.length < 10) problems.push(`${place}: an example without a reason`);
      continue;
    }
    for (const { line, text } of commandLines(fence)) {
      const calls = callsOf(text);
      if (calls.length === 0) problems.push(`${page.path}:${line}: does not call linnix: mark it as an example`);
      for (const call of calls) {
        await checkCall(call).catch((error: Error) => problems.push(`${page.path}:${line}: ${error.message}`));
      }
    }
  }
  return problems;
}

/** Commands in fences that are not marked as shell, which no other check reads. */
function unmarked({ path, fences }: Page): string[] {
  return fences
    .filter(({ info }) => !SHELL.test(info) && info === "")
    .flatMap(({ lines, line }) =>
      lines.flatMap((text, index) =>
        /^(?:\$ )?(?:sudo )?linnix [a-z-]+ (?!\[)(?!\.\.\.$)/.test(text) && !text.includes(" - ")
          ? [`${path}:${line + index}: ${text}`]
          : [],
      ),
    );
}

const OPTIONS = new Map(
  await Promise.all(COMMANDS.map(async ({ name, load }) => [name, withGlobalOptions((await load()).args)] as const)),
);
const EVERY_OPTION = new Set([...OPTIONS.values(), GLOBAL_OPTIONS].flatMap(Object.keys));

/** The problem of a text between backticks; null if there is none. */
function problemOfSpan(text: string): string | null {
  const words = shellWords(text).filter((word) => word !== "sudo" && !/^[A-Z_]+=/.test(word));
  const isCall = /^(?:.*\/)?linnix$/.test(words[0] ?? "");
  if (!isCall && !text.startsWith("--")) return null;
  const name = isCall && words[1] !== undefined && !words[1].startsWith("-") ? words[1] : undefined;
  const isPlaceholder = name === undefined || /^[A-Z]+$/.test(name);
  const command = isPlaceholder ? undefined : findCommand(name)?.name;
  if (!isPlaceholder && command === undefined && name !== "help") return `no command ${name}`;
  const known = command === undefined ? EVERY_OPTION : new Set(Object.keys(OPTIONS.get(command) ?? {}));
  const end = words.indexOf("--");
  for (const word of (end < 0 ? words : words.slice(0, end)).filter((each) => /^--[a-z]/.test(each))) {
    const option = word.replace(/[=[].*$/, "").replace(/[^a-z-]+$/, "");
    if (known.has(option.slice(2)) || FOREIGN.has(option) || FOREIGN.has(word)) continue;
    return `no option ${option}${command === undefined ? "" : ` of ${command}`}`;
  }
  return null;
}

describe("command lines", () => {
  test("are split as a shell splits them", () => {
    expect(callsOf("sudo linnix collect --comm 'a b' | jq .comm # x")).toEqual([["collect", "--comm", "a b"]]);
    expect(callsOf("LINNIX_A=1 ./linnix test -- ls -l > f && linnix doctor 2>&1")).toEqual([
      ["test", "--", "ls", "-l"],
      ["doctor"],
    ]);
    expect(callsOf("$ linnix top --json | jq '.a | .b'")).toEqual([["top", "--json"]]);
    expect(callsOf("npm start")).toEqual([]);
  });

  test("with an unknown command, option or value are refused", async () => {
    for (const wrong of ["collect --frmat jsonl", "colect", "collect --duration 1parsec", "top x", "--duration 1s"]) {
      const outcome = await checkCall(wrong.split(" ")).then(
        () => `${wrong} is accepted`,
        () => "refused",
      );
      expect(outcome).toBe("refused");
    }
    expect(problemOfSpan("linnix collect --frmat")).toBe("no option --frmat of collect");
    expect(problemOfSpan("linnix colect")).toBe("no command colect");
    expect(problemOfSpan("--frmat jsonl")).toBe("no option --frmat");
    expect(problemOfSpan("linnix COMMAND --help --all")).toBeNull();
  });

  test.each(PAGES.map((page) => [page.path, page] as const))(
    "of %s parse, or are marked as examples",
    async (_, page) => {
      expect(await problemsIn(page)).toEqual([]);
      expect(unmarked(page)).toEqual([]);
    },
  );

  test.each(PAGES.map((page) => [page.path, page] as const))("and options between backticks in %s exist", (_, page) => {
    const problems = codeSpans(page).flatMap(({ line, text }) => {
      const problem = problemOfSpan(text);
      return problem === null ? [] : [`${page.path}:${line}: \`${text}\`: ${problem}`];
    });
    expect(problems).toEqual([]);
  });
});
