import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { outdatedDocuments } from "../../scripts/reference.ts";
import { EXIT } from "../../src/errors.ts";
import { CONDITION_NAMES } from "../../src/wire/conditions.ts";
import { ROOT } from "./markdown.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

test("the generated documents are up to date (bun scripts/reference.ts --update)", async () => {
  expect(await outdatedDocuments()).toEqual([]);
});

test("docs/exit-codes.md has every exit code of linnix", () => {
  const rows = [...read("docs/exit-codes.md").matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, codes = ""]) =>
    codes.split(", "),
  );
  expect(
    Object.values(EXIT)
      .map(String)
      .filter((code) => !rows.includes(code)),
  ).toEqual([]);
});

test("docs/troubleshooting.md has a row for every condition", () => {
  const text = read("docs/troubleshooting.md");
  expect(CONDITION_NAMES.filter((name) => !text.includes(`| \`${name}\` |`))).toEqual([]);
});

test("README.md has at most 150 lines", () => {
  expect(read("README.md").trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});
