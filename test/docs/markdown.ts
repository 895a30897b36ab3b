import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dir, "../..");

export interface Fence {
  /** The text after the opening backticks. */
  info: string;
  /** Line of the first line of its text. */
  line: number;
  lines: string[];
}

export interface Page {
  /** Path below the root of the repository. */
  path: string;
  fences: Fence[];
  /** All lines, with lines inside fences emptied. */
  prose: string[];
}

/** Splits a document into fences and the rest. */
export function parsePage(path: string, text: string): Page {
  const fences: Fence[] = [];
  const prose: string[] = [];
  let open: (Fence & { mark: string }) | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (open === null && mark !== undefined) {
      open = { info: line.trim().slice(mark.length).trim(), line: index + 2, lines: [], mark };
      fences.push(open);
    } else if (open !== null && line.trim() === open.mark) {
      open = null;
    } else if (open !== null) {
      open.lines.push(line);
    }
    prose.push(open === null && mark === undefined ? line : "");
  }
  return { path, fences, prose };
}

/** Every document of the repository. */
export function pages(): Page[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"];
  return execFileSync("git", args, { cwd: ROOT, encoding: "utf8" })
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(ROOT, path)))
    .map((path) => parsePage(path, readFileSync(join(ROOT, path), "utf8")));
}

/** Text between backticks, with its line. */
export function codeSpans({ prose }: Page): { line: number; text: string }[] {
  // A span can continue in the next line of its paragraph.
  const paragraphs = prose.join("\n").split(/\n\s*\n/);
  let line = 1;
  return paragraphs.flatMap((paragraph) => {
    const first = line;
    line += paragraph.split("\n").length + 1;
    return Array.from(paragraph.matchAll(/(?<!`)`([^`]+)`(?!`)/g), (match) => ({
      line: first + paragraph.slice(0, match.index).split("\n").length - 1,
      text: (match[1] ?? "").replace(/\s+/g, " ").trim(),
    }));
  });
}

/** The anchors that GitHub generates for the headings of a page: https://github.com/gjtorikian/html-pipeline. */
export function anchorsOf({ prose }: Page): Set<string> {
  const anchors = new Set<string>();
  for (const line of prose) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/`/g, "");
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
