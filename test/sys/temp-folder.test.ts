import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeTempFolder, tempFolderError } from "../../src/sys/temp-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-temp-"));
const before = process.env.TMPDIR;
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
  rmSync(folder, { recursive: true, force: true });
});

test("a temporary folder is private and in TMPDIR; if it cannot be made, the error names TMPDIR", () => {
  const path = makeTempFolder("linnix-x-");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  rmSync(path, { recursive: true });
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const place of [join(folder, "missing"), file, "/proc"]) {
    process.env.TMPDIR = place;
    expect(() => makeTempFolder("linnix-x-")).toThrow(`nothing can be written to ${place}`);
  }
  expect(existsSync(join(folder, "missing"))).toBe(false);
  const { exitCode, why, hint } = tempFolderError(Object.assign(new Error("x"), { code: "ENOSPC" }));
  expect({ exitCode, why, hint }).toEqual({
    exitCode: 3,
    why: "no space is left there",
    hint: expect.stringContaining("set TMPDIR"),
  });
});
