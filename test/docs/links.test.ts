/** Every relative link in the documentation leads to a file and heading that exist. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { anchorsOf, type Page, pages, parsePage, ROOT } from "./markdown.ts";

const PAGES = pages();
const BY_PATH = new Map(PAGES.map((page) => [page.path, page]));

interface Link {
  line: number;
  target: string;
}

function linksOf({ prose }: Page): Link[] {
  return prose
    .map((line) => line.replace(/`[^`]*`/g, (span) => " ".repeat(span.length)))
    .join("\n")
    .split(/(?=\n)/)
    .flatMap((text, index) =>
      Array.from(
        text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)|^\n?\[[^\]]+\]:\s*(\S+)/g),
        ([, inline, named]) => ({
          line: index + 1,
          target: (inline ?? named) as string,
        }),
      ),
    )
    .filter(({ target }) => !/^[a-z]+:/i.test(target));
}

/** The problem of a link; null if there is none. */
function problemOf(page: Page, { target }: Link): string | null {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page.path : normalize(join(dirname(page.path), decodeURI(path)));
  if (file.startsWith("..")) return "leaves the repository";
  if (!existsSync(join(ROOT, file))) return "no such file";
  if (anchor === undefined) return null;
  const linked = BY_PATH.get(file);
  if (linked === undefined) return "an anchor in a file that is no document";
  return anchorsOf(linked).has(anchor) ? null : "no such heading";
}

describe("links", () => {
  test("are found, with their lines, outside of code", () => {
    const page = parsePage(
      "a.md",
      'x [a](b.md#c)\n`[no](no)` [d](e.md "t")\n```\n[no](no)\n```\n[f](https://g)\n\n[h]: i.md\n',
    );
    expect(linksOf(page)).toEqual([
      { line: 1, target: "b.md#c" },
      { line: 2, target: "e.md" },
      { line: 8, target: "i.md" },
    ]);
  });

  test("lead to anchors as GitHub names them", () => {
    const page = parsePage(
      "a.md",
      "# A `b` c: d, e?\n## A `b` c: d, e?\n## CPU & memory\n```\n# no\n```\n## [x](y) z\n",
    );
    expect([...anchorsOf(page)]).toEqual(["a-b-c-d-e", "a-b-c-d-e-1", "cpu--memory", "x-z"]);
  });

  test.each(PAGES.map((page) => [page.path, page] as const))(
    "of %s lead to files and headings that exist",
    (_, page) => {
      const broken = linksOf(page).flatMap((link) => {
        const problem = problemOf(page, link);
        return problem === null ? [] : [`${page.path}:${link.line}: ${link.target}: ${problem}`];
      });
      expect(broken).toEqual([]);
    },
  );

  test("lead from the index to every document of docs/", () => {
    const index = BY_PATH.get("docs/README.md");
    const linked = new Set(index === undefined ? [] : linksOf(index).map(({ target }) => `docs/${target}`));
    const documents = PAGES.map(({ path }) => path).filter((path) => /^docs\/[^/]+\.md$/.test(path));
    expect(documents.filter((path) => path !== "docs/README.md" && !linked.has(path))).toEqual([]);
  });
});
