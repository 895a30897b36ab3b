import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ProcSampler } from "../../src/sampling/proc-sampler.ts";
import { SAMPLE_EVENT } from "../../src/wire/layout.gen.ts";

/** RSS of a process in a first scan, bytes. */
function rssBytes(sampler: ProcSampler, pid: number): number | undefined {
  let bytes: number | undefined;
  sampler.sweep((record) => {
    if (record.u32(SAMPLE_EVENT.pid) === pid) bytes = record.u64(SAMPLE_EVENT.rss_bytes);
  });
  return bytes;
}

/** RSS in pages from /proc (proc(5): field 24 of stat). */
function rssPages(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[24 - 3]);
}

describe("memory from /proc", () => {
  test.each([4096, 16_384, 65_536])("is computed with the kernel's page size: %i bytes", async (page) => {
    await using child = Bun.spawn(["/bin/sh", "-c", "echo; read -r _"], { stdin: "pipe", stdout: "pipe" });
    // The child has started, and its memory no longer changes.
    await child.stdout.getReader().read();
    using sampler = new ProcSampler({}, page);
    const before = rssPages(child.pid);
    const bytes = rssBytes(sampler, child.pid) ?? 0;
    expect(bytes % page).toBe(0);
    expect(bytes / page).toBeGreaterThanOrEqual(Math.min(before, rssPages(child.pid)));
    expect(bytes / page).toBeLessThanOrEqual(Math.max(before, rssPages(child.pid)));
    expect(bytes).toBeGreaterThan(0);
  });

  test("is VmRSS of the kernel if the page size is unknown", () => {
    using sampler = new ProcSampler();
    const vmRss = () => 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
    const before = vmRss();
    const bytes = rssBytes(sampler, process.pid) ?? 0;
    // The figures differ by counters of each CPU and by memory of the scan.
    expect(bytes / before).toBeGreaterThan(0.8);
    expect(bytes / before).toBeLessThan(1.25);
  });
});
