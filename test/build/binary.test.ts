import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { verboseVersionText, versionText } from "../../src/version.ts";

const BINARY = join(import.meta.dir, "../../dist/linnix");
const reason = existsSync(BINARY) ? "" : " (skipped: no dist/linnix, see `npm run build`)";

/** A directory with files that would change plain Bun: an attacker may leave them where root starts linnix. */
const trap = mkdtempSync(join(tmpdir(), "linnix-binary-"));
writeFileSync(join(trap, ".env"), "LINNIX_CONFIG=/nonexistent/from-dotenv.toml\n");
for (const name of ["bunfig.toml", ".bunfig.toml"]) writeFileSync(join(trap, name), 'preload = ["./preload.ts"]\n');
writeFileSync(join(trap, "preload.ts"), 'console.log("preloaded");\n');
afterAll(() => rmSync(trap, { recursive: true, force: true }));

function linnix(args: string[], env: Record<string, string> = {}) {
  const done = Bun.spawnSync([BINARY, ...args], { cwd: trap, env: { HOME: trap, TMPDIR: trap, ...env }, stdin: null });
  return { stdout: done.stdout.toString(), stderr: done.stderr.toString(), exitCode: done.exitCode };
}

describe.skipIf(reason !== "")(`dist/linnix${reason}`, () => {
  test("prints its version, and with --verbose the versions of its components", () => {
    expect(linnix(["--version"])).toEqual({ stdout: `${versionText()}\n`, stderr: "", exitCode: EXIT.ok });
    expect(linnix(["--version", "--verbose"]).stdout).toBe(`${verboseVersionText()}\n`);
  });

  test("ignores .env and bunfig.toml in the current directory", () => {
    const { stdout, stderr, exitCode } = linnix(["collect", "--print-config"]);
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: EXIT.ok });
    expect(stdout).not.toContain("preloaded");
    // The variable of that .env has an effect if it is really set.
    expect(linnix(["collect", "--print-config"], { LINNIX_CONFIG: "/nonexistent/from-dotenv.toml" }).exitCode).toBe(
      EXIT.usage,
    );
  });

  test("leaves no file in the current directory", () => {
    linnix(["collect", "--print-config"]);
    expect(readdirSync(trap).sort()).toEqual([".bunfig.toml", ".env", "bunfig.toml", "preload.ts"]);
  });

  // setarch(8) makes uname(2) report 2.6.
  test.each(["collect", "overhead-test", "compare-with-polling"])(
    "%s on a kernel before 5.10 prints one line and a hint, measures nothing, and has exit code 3",
    (command) => {
      const old = ["setarch", process.arch === "x64" ? "x86_64" : "aarch64", "--uname-2.6", BINARY, command];
      const done = Bun.spawnSync(old, { cwd: "/", env: { PATH: "/usr/bin:/bin" }, stdin: null });
      expect(done.stdout.toString()).toBe("");
      expect(done.stderr.toString()).toMatch(
        /^linnix: linnix cannot run on this kernel: Linux 2\.6\.\S+ is older than 5\.10\n {2}boot a kernel of 5\.10 or later\n$/,
      );
      expect(done.exitCode).toBe(EXIT.cannotRun);
    },
  );

  test("runs without the repository and without PATH", () => {
    const done = Bun.spawnSync([BINARY, "--version"], { cwd: "/", env: {}, stdin: null });
    expect(done.stdout.toString()).toBe(`${versionText()}\n`);
  });
});
