import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elfMachine, hideSections } from "../../scripts/elf.ts";
import { versionText } from "../../src/version.ts";
import { BINARY, programPath, titled } from "../kernel/support/needs.ts";

/** Tools with which packagers change an executable. */
const TOOLS: readonly [string, ...string[]][] = [
  ["strip"],
  ["strip", "--strip-unneeded"],
  ["strip", "--strip-debug"],
  ["strip", "--remove-section=.comment"],
  ["objcopy", "--strip-debug"],
  ["objcopy", "--strip-all"],
  ["objcopy", "--compress-debug-sections"],
  ["objcopy", "--add-gnu-debuglink=/dev/null"],
  ["llvm-strip"],
  ["llvm-strip", "--strip-sections"],
  ["llvm-objcopy", "--strip-all"],
  ["eu-strip"],
  ["eu-strip", "-g"],
  ["patchelf", "--set-rpath", "/opt/lib"],
  ["patchelf", "--add-needed", "libz.so.1"],
  ["chrpath", "-d"],
];

const reason = existsSync(BINARY) ? null : "needs dist/linnix: npm run build";

describe.skipIf(reason !== null)(titled("dist/linnix after a tool changed it", reason), () => {
  // A directory from which plain Bun would run code.
  const trap = mkdtempSync(join(tmpdir(), "linnix-strip-"));
  const copy = join(trap, "linnix");

  beforeAll(() => {
    const code = 'console.log("trapped");\n';
    for (const name of ["test.test.js", "doctor.js", "index.js"]) writeFileSync(join(trap, name), code);
    writeFileSync(join(trap, "package.json"), '{ "scripts": { "doctor": "echo trapped" } }\n');
  });
  afterAll(() => rmSync(trap, { recursive: true, force: true }));

  function run(...args: string[]) {
    const env = { PATH: "/usr/bin:/bin", HOME: trap };
    const done = Bun.spawnSync([copy, ...args], { cwd: trap, env, stdin: null, timeout: 60_000 });
    return { text: done.stdout.toString() + done.stderr.toString(), exitCode: done.exitCode };
  }

  for (const [program, ...args] of TOOLS) {
    const path = programPath(program);
    const missing = path === null ? `needs ${program}` : null;
    const title = `${[program, ...args].join(" ")}: the tool refuses the file, or the result is linnix`;
    test.skipIf(missing !== null)(titled(title, missing), () => {
      copyFileSync(BINARY, copy);
      Bun.spawnSync([path ?? "", ...args, copy], { stdin: null, stderr: "ignore" });
      expect(run("--version")).toEqual({ text: `${versionText()}\n`, exitCode: 0 });
      for (const command of ["test", "doctor"]) {
        const { text, exitCode } = run(command, "--help");
        expect(text).not.toContain("trapped");
        expect({ text, exitCode }).toEqual({ text: expect.stringContaining(`linnix ${command}`), exitCode: 0 });
      }
    });
  }

  test("still runs as linnix if the bytes after the last segment are cut off, as by sstrip", () => {
    copyFileSync(BINARY, copy);
    truncateSync(copy, endOfSegments(readFileSync(BINARY)));
    expect(run("--version")).toEqual({ text: `${versionText()}\n`, exitCode: 0 });
  });

  test.each([0.2, 0.6, 0.93, 0.96, 0.99])(
    "fails if it is cut after %p of its size, as by a broken download, and never runs as plain Bun",
    (share) => {
      copyFileSync(BINARY, copy);
      truncateSync(copy, Math.floor(readFileSync(BINARY).length * share));
      const { text, exitCode } = run("doctor");
      expect(text).not.toContain("trapped");
      expect(exitCode).not.toBe(0);
    },
  );
});

/** The offset at which the last segment of an ELF file ends (elf.h, Elf64_Phdr). */
function endOfSegments(bytes: Buffer): number {
  const [start, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  const ends = Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return Number(bytes.readBigUInt64LE(at + 8) + bytes.readBigUInt64LE(at + 32));
  });
  return Math.max(...ends);
}

test("hideSections refuses and does not change a file that is not 64-bit little-endian ELF", () => {
  expect(() => elfMachine(Buffer.from("#!/bin/sh\n".padEnd(64)))).toThrow("not a 64-bit little-endian ELF file");
  expect(() => elfMachine(readFileSync(process.execPath).subarray(0, 63))).toThrow("not a 64-bit");
  const directory = mkdtempSync(join(tmpdir(), "linnix-elf-"));
  try {
    const path = join(directory, "script");
    writeFileSync(path, "#!/bin/sh\n".padEnd(64));
    expect(() => hideSections(path)).toThrow("not a 64-bit");
    expect(readFileSync(path, "utf8")).toBe("#!/bin/sh\n".padEnd(64));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
