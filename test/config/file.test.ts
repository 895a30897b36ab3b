import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfigFile } from "../../src/config/file.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe("readConfigFile", () => {
  test("returns the text without a byte order mark", () => {
    expect(readConfigFile(file("plain", "a = 'é'\n"))).toEqual({ text: "a = 'é'\n", warnings: [] });
    expect(readConfigFile(file("bom", "\ufeffa = 1\n"))?.text).toBe("a = 1\n");
  });

  test("follows a symbolic link", () => {
    symlinkSync(file("target", "a = 1\n"), join(directory, "link"));
    expect(readConfigFile(join(directory, "link"))?.text).toBe("a = 1\n");
  });

  test("returns null if there is no file", () => {
    expect(readConfigFile(join(directory, "nothing"))).toBeNull();
    expect(readConfigFile(join(file("no-directory", ""), "x"))).toBeNull();
  });

  test("treats /dev/null as an empty file, although every user can write it", () => {
    expect(readConfigFile("/dev/null")).toEqual({ text: "", warnings: [] });
  });

  test("refuses a file that is not regular, without waiting for it", () => {
    const fifo = join(directory, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    expect(() => readConfigFile(fifo)).toThrow("it is a FIFO, not a regular file");
    expect(() => readConfigFile(directory)).toThrow("it is a directory, not a regular file");
    expect(() => readConfigFile("/dev/zero")).toThrow("it is a device, not a regular file");
  });

  test("refuses a file of more than 1 MiB, whatever size stat reports", () => {
    expect(readConfigFile(file("full", "#".repeat(1024 * 1024)))?.text.length).toBe(1024 * 1024);
    expect(() => readConfigFile(file("big", "#".repeat(1024 * 1024 + 1)))).toThrow("bigger than 1MiB");
    // Files of procfs have size 0 but still have content.
    expect(readConfigFile("/proc/self/status")?.text).toContain("Pid:");
  });

  test.each<[string, number[], number]>([
    ["the only line", [0x61, 0xe9], 1],
    ["a line", [0x0a, 0xc3, 0xa9, 0x0d, 0x0a, 0xe9, 0x0a, 0xe9], 3],
    ["the first half of a letter at a line's end", [0x0a, 0xc3, 0x0a, 0xa9], 2],
    ["the second half at the file's beginning", [0xa9, 0x0a], 1],
    ["the first half at the file's end", [0x61, 0x0a, 0xc3], 2],
    ["UTF-16", [0xff, 0xfe, 0x61, 0x00], 1],
  ])("refuses text that is not UTF-8, and names the line: %s", (_, bytes, line) => {
    const path = file("latin1", Uint8Array.from(bytes));
    expect(() => readConfigFile(path)).toThrow(`${path}:${line}; not UTF-8 text; save the file as UTF-8`);
  });

  test("refuses a file that other users can write, with a hint", () => {
    const path = file("open", "", 0o602);
    expect(() => readConfigFile(path)).toThrow(`chmod o-w ${path}`);
    chmodSync(path, 0o644);
    expect(readConfigFile(path)?.warnings).toEqual([]);
  });

  const isRoot = process.geteuid?.() === 0;

  test.skipIf(!isRoot)("refuses a file of another user, unless that user called sudo (needs root)", () => {
    const path = file("foreign", "");
    chownSync(path, 4711, 0);
    expect(() => readConfigFile(path)).toThrow("it belongs to user 4711");
    const before = process.env.SUDO_UID;
    try {
      process.env.SUDO_UID = "4711";
      expect(readConfigFile(path)?.warnings).toEqual([]);
    } finally {
      if (before === undefined) delete process.env.SUDO_UID;
      else process.env.SUDO_UID = before;
    }
  });

  test.skipIf(!isRoot)("warns of a file that a group can write (needs root)", () => {
    const path = file("group", "", 0o660);
    expect(readConfigFile(path)?.warnings).toEqual([]);
    chownSync(path, 0, 4711);
    chmodSync(path, 0o660);
    expect(readConfigFile(path)?.warnings).toEqual([expect.stringContaining("chmod g-w")]);
  });
});
