import { expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

test("a private folder has mode 0700, is removed at the end, and removes folders that no process locks", () => {
  const precious = mkdtempSync(join(tmpdir(), "linnix-precious-"));
  writeFileSync(join(precious, "file"), "");
  const prefix = `linnix-sweep-test-${process.pid}-`;
  const left = join(tmpdir(), `${prefix}left`);
  mkdirSync(join(left, "sub"), { recursive: true });
  writeFileSync(join(left, "sub/file"), "");
  symlinkSync(precious, join(left, "link"));
  // mkdtemp creates folders with mode 0700; another mode is not removed.
  const open = join(tmpdir(), `${prefix}open`);
  mkdirSync(open, { mode: 0o755 });
  rmSync(left, { recursive: true });
  mkdirSync(left, { mode: 0o700 });
  symlinkSync(precious, join(left, "link"));
  const link = join(tmpdir(), `${prefix}link`);
  symlinkSync(precious, link);
  try {
    const first = new PrivateFolder(prefix);
    expect(lstatSync(first.path).mode & 0o777).toBe(0o700);
    expect([existsSync(left), existsSync(open), existsSync(link)]).toEqual([false, true, true]);
    using second = new PrivateFolder(prefix);
    expect([existsSync(first.path), existsSync(second.path)]).toEqual([true, true]);
    first[Symbol.dispose]();
    expect([existsSync(first.path), existsSync(second.path)]).toEqual([false, true]);
    expect(existsSync(join(precious, "file"))).toBe(true);
  } finally {
    rmSync(open, { recursive: true });
    rmSync(link);
    rmSync(precious, { recursive: true });
  }
});

test("the folder of a process that was killed is removed by the next run", () => {
  const prefix = `linnix-killed-test-${process.pid}-`;
  const module = join(import.meta.dir, "../../src/sys/private-folder.ts");
  const script = `const { PrivateFolder } = await import(${JSON.stringify(module)});
    console.log(new PrivateFolder(${JSON.stringify(prefix)}).path); process.kill(process.pid, "SIGKILL");`;
  const killed = Bun.spawnSync([process.execPath, "-e", script]);
  const path = killed.stdout.toString().trim();
  expect(existsSync(path)).toBe(true);
  using _next = new PrivateFolder(prefix);
  expect(existsSync(path)).toBe(false);
});
