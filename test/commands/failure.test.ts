import { expect, test } from "bun:test";
import { join } from "node:path";

const MODULE = join(import.meta.dir, "../../src/commands/failure.ts");

/** The message of an error, and its exit code. */
function reported(expression: string): { text: string; exitCode: number } {
  const code = `
    const { reportError } = await import(${JSON.stringify(MODULE)});
    process.exitCode = reportError(${expression}, { silent: false, stack: false });`;
  const { stderr, exitCode } = Bun.spawnSync([process.execPath, "-e", code], { stdin: "ignore" });
  return { text: stderr.toString(), exitCode };
}

test("only an error without an errno is reported as a defect of linnix", () => {
  expect(reported("new TypeError('x is undefined')")).toEqual({
    text: expect.stringContaining("this is a defect of linnix"),
    exitCode: 3,
  });
  for (const errno of ["EMFILE", "ENOSPC", "EROFS", "ENOENT", "EIO", "EBUSY"]) {
    const { text, exitCode } = reported(`Object.assign(new Error("${errno}: open '/x'"), { code: "${errno}" })`);
    expect(exitCode).toBe(3);
    expect(text).not.toContain("defect");
    expect(text).toMatch(new RegExp(`^linnix: .*${errno}: open '/x'\\n {2}\\S`));
  }
});

test("long values and long lines of a message are cut", () => {
  expect(reported("new Error('a'.repeat(100_000))").text.length).toBeLessThan(1000);
  expect(reported("new Error('ab '.repeat(100_000))").text.length).toBeLessThan(5000);
});
