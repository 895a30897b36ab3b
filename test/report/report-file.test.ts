import { afterAll, expect, test } from "bun:test";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReportFile } from "../../src/report/report-file.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a report appears under its name only when it is complete", () => {
  const path = join(folder, "report.json");
  writeFileSync(path, "older");
  using file = ReportFile.begin(path, "--json");
  expect(readFileSync(path, "utf8")).toBe("older");
  file.finish("newer");
  expect(readFileSync(path, "utf8")).toBe("newer");
  expect(statSync(path).mode & 0o022).toBe(0);
  expect(readdirSync(folder)).toEqual(["report.json"]);
});

test("a report that is not finished leaves no file", () => {
  const sub = join(folder, "sub");
  mkdirSync(sub);
  const file = ReportFile.begin(join(sub, "report"), "--json");
  expect(readdirSync(sub)).toHaveLength(1);
  file[Symbol.dispose]();
  file[Symbol.dispose]();
  expect(readdirSync(sub)).toEqual([]);
});

test("a link with the name of the report is replaced, not followed", () => {
  const target = join(folder, "target");
  const link = join(folder, "link");
  writeFileSync(target, "precious");
  symlinkSync(target, link);
  using file = ReportFile.begin(link, "--html");
  file.finish("page");
  expect(readFileSync(target, "utf8")).toBe("precious");
  expect(lstatSync(link).isFile()).toBe(true);
});

test("a path that cannot be written is refused at begin(), before anything is measured", () => {
  const usage = { exitCode: 2 };
  expect(() => ReportFile.begin(join(folder, "none/report"), "--json")).toThrow(
    expect.objectContaining({ ...usage, why: "its folder does not exist" }),
  );
  expect(() => ReportFile.begin(folder, "--html")).toThrow(
    expect.objectContaining({ ...usage, what: `--html ${folder} cannot be written`, why: "it is a directory" }),
  );
});
