import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  argvOf,
  type Command,
  expectedStatus,
  findProgram,
  nonceOf,
  PROGRAMS,
  SAMPLE_FILES,
  type Site,
  sampleFileName,
} from "../../src/workload/programs.ts";

const NONCE = "123450000042";

function command(program: Command["program"], lifetimeMs: number | null = null): Command {
  return { program, path: findProgram(program) ?? "", lifetimeMs, share: 1 };
}

describe("programs of the workload", () => {
  test("all are found on this machine, at absolute paths", () => {
    for (const program of PROGRAMS) expect(findProgram(program)).toStartWith("/");
  });

  test.each(PROGRAMS.map((program) => [program]))("%s succeeds with the nonce in its arguments", (program) => {
    const folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
    try {
      for (let n = 0; n < SAMPLE_FILES; n++) writeFileSync(join(folder, sampleFileName(n)), `file ${n}\n`);
      const site: Site = { folder, spawnerPid: process.pid };
      for (const variant of [0, 1, 7, 77, 255]) {
        const made = command(program, 5);
        const argv = argvOf(made, site, NONCE, variant);
        expect(argv.join(" ")).toContain(nonceOf(made, site, NONCE, variant));
        const ran = Bun.spawnSync([made.path, ...argv.slice(1)], { stdout: "pipe", stderr: "pipe" });
        const signal = expectedStatus(made, variant) & 0x7f;
        expect(ran.stderr.toString()).toBe("");
        expect(ran.signalCode !== undefined && ran.signalCode !== null).toBe(signal !== 0);
        if (signal === 0) expect(ran.exitCode).toBe(expectedStatus(made, variant) >> 8);
        if (program === "ls") expect(ran.stdout.toString().trim().split("\n")).toHaveLength(1 + SAMPLE_FILES);
        if (program === "find") expect(ran.stdout.toString()).toContain(`sample-00${variant % 10}`);
        if (program === "ps") expect(ran.stdout.toString()).toContain(String(process.pid));
        if (program === "sha256sum") expect(ran.stdout.toString()).toMatch(/^[0-9a-f]{64} /);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a nonce adds less than a microsecond to a sleep", () => {
    const [, seconds, extra] = argvOf(command("sleep", 1000), { folder: "/x", spawnerPid: 1 }, "999999999999", 0);
    expect(seconds).toBe("1");
    expect(Number(extra)).toBeLessThan(1e-6);
    expect(Number(extra)).toBeGreaterThan(0);
  });

  test("lifetimes are written as decimals", () => {
    const site = { folder: "/x", spawnerPid: 1 };
    for (const [ms, text] of [
      [2, "0.002"],
      [10, "0.01"],
      [100, "0.1"],
      [10_000, "10"],
    ] as const) {
      expect(argvOf(command("sleep", ms), site, NONCE, 0)[1]).toBe(text);
    }
  });
});
