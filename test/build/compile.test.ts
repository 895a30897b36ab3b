import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileBinary } from "../../scripts/compile.ts";

const scratch = mkdtempSync(join(tmpdir(), "linnix-compile-"));
const trap = join(scratch, "trap");
const binary = join(scratch, "dist/probe");

beforeAll(async () => {
  writeFileSync(
    join(scratch, "probe.ts"),
    "console.log(JSON.stringify({ value: process.env.PROBE ?? null, preloaded: 'preloaded' in globalThis }));\n",
  );
  await compileBinary(join(scratch, "probe.ts"), binary);

  // A directory with files that change plain Bun: an attacker may leave them where root starts the program.
  mkdirSync(trap);
  writeFileSync(join(trap, ".env"), "PROBE=from-dotenv\n");
  writeFileSync(join(trap, ".env.local"), "PROBE=from-dotenv-local\n");
  writeFileSync(join(trap, ".env.production"), "PROBE=from-dotenv-production\n");
  // Bun reads bunfig.toml in the current directory, and .bunfig.toml in the home directory.
  for (const name of ["bunfig.toml", ".bunfig.toml"]) writeFileSync(join(trap, name), 'preload = ["./preload.ts"]\n');
  writeFileSync(join(trap, "preload.ts"), "Object.assign(globalThis, { preloaded: true });\n");
  writeFileSync(join(trap, "package.json"), '{ "type": "commonjs" }\n');
  writeFileSync(join(trap, "tsconfig.json"), "not even JSON\n");
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function run(command: string[]) {
  const env = { PATH: "/usr/bin:/bin", HOME: trap };
  const done = Bun.spawnSync(command, { cwd: trap, env, stdin: null });
  return { stdout: done.stdout.toString(), stderr: done.stderr.toString(), exitCode: done.exitCode };
}

test("a compiled binary ignores .env and bunfig.toml in the current directory", () => {
  expect(run([binary])).toEqual({ stdout: '{"value":null,"preloaded":false}\n', stderr: "", exitCode: 0 });
});

test("the same program under plain Bun reads .env and bunfig.toml, so the test above can fail", () => {
  rmSync(join(trap, "tsconfig.json"));
  expect(run([process.execPath, join(scratch, "probe.ts")]).stdout).toBe(
    '{"value":"from-dotenv-local","preloaded":true}\n',
  );
});

test("compiling leaves no file beside the binary, also if it fails", async () => {
  expect(readdirSync(join(scratch, "dist"))).toEqual(["probe"]);
  await expect(compileBinary(join(scratch, "none.ts"), join(scratch, "failed/probe"))).rejects.toThrow("none.ts");
  expect(readdirSync(join(scratch, "failed"))).toEqual([]);
});

test("the same sources give the same binary", async () => {
  const again = join(scratch, "again/probe");
  await compileBinary(join(scratch, "probe.ts"), again);
  const digest = async (path: string) => Bun.SHA256.hash(await Bun.file(path).bytes(), "hex");
  expect(await digest(again)).toBe(await digest(binary));
});
