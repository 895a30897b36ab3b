/**
 * bun scripts/observers.ts            fails if a file that derives from the observers is out of date
 * bun scripts/observers.ts --update   writes these files: the programs that the set-up installs, and the table in
 *                                     docs/compare-with-polling.md
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Observer, REPORTED } from "../src/observers/observer.ts";
import { OBSERVERS } from "../src/observers/registry.ts";
import { writeFileAtomically } from "./files.ts";

const ROOT = join(import.meta.dir, "..");
/** Read by scripts/setup/system.mjs, which runs before there is a TypeScript compiler. */
const SET_UP = "scripts/setup/observers.json";
const DOCUMENT = "docs/compare-with-polling.md";
const [BEGIN, END] = ["<!-- bun scripts/observers.ts --update writes this table -->", "<!-- end of the table -->"];

const HEAD = ["method", "what runs", "sees", "reports", "needs"];

function rowOf({ name, kind, summary, reports, needs, programs }: Observer): string[] {
  const events = REPORTED.filter((each) => reports.includes(each) && ["fork", "exec", "exit"].includes(each));
  const packages = programs.map(({ debian }) => debian);
  return [
    `\`${name}\``,
    summary,
    kind === "polling" ? "processes alive at a look" : events.join(", "),
    reports.join(", ") || "–",
    [...(needs.root || needs.bpf ? ["root"] : []), ...new Set(packages)].join(", ") || "–",
  ];
}

/** Path and content of each file that derives from the observers. */
export function derivedFiles(): Map<string, string> {
  const programs = OBSERVERS.flatMap((observer) => observer.programs).map(({ name, debian, elsewhere = debian }) => ({
    program: name,
    debian,
    fedora: elsewhere,
    arch: elsewhere,
  }));
  const unique = [...new Map(programs.map((each) => [each.program, each])).values()];
  const rows = [HEAD, HEAD.map(() => "---"), ...OBSERVERS.map(rowOf)];
  const table = rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
  const text = readFileSync(join(ROOT, DOCUMENT), "utf8");
  const [before, rest = ""] = text.split(`${BEGIN}\n`);
  return new Map([
    [SET_UP, `[\n${unique.map((each) => `  ${JSON.stringify(each, null, 1).replace(/\n ?/g, " ")}`).join(",\n")}\n]\n`],
    [DOCUMENT, `${before}${BEGIN}\n${table}${END}${rest.slice(rest.indexOf(END) + END.length)}`],
  ]);
}

/** The derived files that differ from what is on disk. */
export function outdatedFiles(): string[] {
  return [...derivedFiles()]
    .filter(([path, text]) => readFileSync(join(ROOT, path), "utf8") !== text)
    .map(([path]) => path);
}

if (import.meta.main) {
  if (process.argv[2] === "--update") {
    for (const [path, text] of derivedFiles()) writeFileAtomically(join(ROOT, path), text);
  }
  for (const path of outdatedFiles()) {
    console.error(`${path} is out of date: bun scripts/observers.ts --update`);
    process.exitCode = 1;
  }
}
