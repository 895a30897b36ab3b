import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseCreatedTasks, readCreatedTasks, whyNoCreatedTasks } from "../../src/procfs/created-tasks.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the count of created tasks is the line "processes" of /proc/stat', () => {
  expect(parseCreatedTasks("cpu  1 2\nctxt 7\nbtime 8\nprocesses 1680330\nprocs_running 2\n")).toBe(1680330);
  expect(parseCreatedTasks("cpu  1 2\nprocs_running 2\n")).toBeNull();
});

test("this machine's count grows with each started process", () => {
  const before = readCreatedTasks() as number;
  Bun.spawnSync(["true"]);
  expect(readCreatedTasks()).toBeGreaterThan(before);
});

test("a file that is no /proc/stat of the kernel is refused with a reason", () => {
  const path = join(folder, "stat");
  writeFileSync(path, "processes 5\n");
  expect(whyNoCreatedTasks(path)).toBe(`${path} is not the kernel's own file`);
  expect(whyNoCreatedTasks(join(folder, "none"))).toContain("cannot be read");
  expect(whyNoCreatedTasks("/proc/meminfo")).toContain('no line "processes"');
});
