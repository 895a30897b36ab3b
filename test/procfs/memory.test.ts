import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { parsePerfRingBytes } from "../../src/bpf/bpf-memory.ts";
import { parseKbFields, readProcessMemory } from "../../src/procfs/memory.ts";
import { Zombie } from "./zombie.ts";

const SMAPS = `7f0000000000-7f0000042000 rw-s 00000000 00:0e 1043                       anon_inode:[perf_event]
Size:                264 kB
KernelPageSize:        4 kB
Rss:                   0 kB
VmFlags: rd wr sh mr mw me ms pf io dc de dd
7f0000100000-7f0000200000 r--p 00000000 fe:00 77                         /tmp/x anon_inode:[perf_event] y
Size:               1024 kB
Rss:                1024 kB
7f0000300000-7f0000342000 rw-s 00000000 00:0e 1043                       anon_inode:[perf_event]
Size:                264 kB
Rss:                   4 kB
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
Size:                  4 kB
`;

describe("parseKbFields", () => {
  test("returns bytes, and skips lines without a size", () => {
    const fields = parseKbFields("Rss:                1768 kB\nThreads:\t7\nPss_Anon:            116 kB\nName:\tkB\n");
    expect([...fields]).toEqual([
      ["Rss", 1768 * 1024],
      ["Pss_Anon", 116 * 1024],
    ]);
  });
});

describe("parsePerfRingBytes", () => {
  test("adds up only mapped perf rings", () => {
    expect(parsePerfRingBytes(SMAPS)).toBe(2 * 264 * 1024);
    expect(parsePerfRingBytes("")).toBe(0);
  });
});

/** A process that says when it is ready and lives until its stdin closes. */
async function start(code: string) {
  const child = Bun.spawn([process.execPath, "-e", `${code}; console.log("ready"); await Bun.stdin.text();`], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.exited;
    },
  };
}

describe("readProcessMemory", () => {
  const MIB = 2 ** 20;

  test("counts written memory of another process as anonymous, and its executable as file-backed", async () => {
    await using small = await start("");
    await using large = await start(`globalThis.kept = Buffer.alloc(${64 * MIB}, 1)`);
    const before = readProcessMemory(small.pid);
    const after = readProcessMemory(large.pid);
    if (before === null || after === null) throw new Error("no memory read");
    const grown = after.anonBytes - before.anonBytes;
    expect(grown).toBeWithin(60 * MIB, 72 * MIB);
    expect(after.rssBytes).toBe(after.anonBytes + after.fileBytes + after.shmemBytes);
    expect(after.fileBytes).toBeGreaterThan(5 * MIB);
    expect(after.pssBytes as number).toBeLessThanOrEqual(after.rssBytes);
  });

  test("returns the number of threads", async () => {
    await using child = await start("");
    const tasks = () => readdirSync(`/proc/${child.pid}/task`).length;
    // Bun may start helper threads at any time, also between the two counts.
    let agree = false;
    for (let tries = 0; tries < 500 && !agree; tries++) {
      agree = tasks() > 1 && readProcessMemory(child.pid)?.threads === tasks();
      if (!agree) await Bun.sleep(10);
    }
    expect(agree).toBe(true);
  });

  test("is null if the process does not exist", () => {
    expect(readProcessMemory(2 ** 30)).toBeNull();
  });

  test("is null for a zombie", async () => {
    await using zombie = await Zombie.make();
    expect(readProcessMemory(zombie.pid)).toBeNull();
  });
});
