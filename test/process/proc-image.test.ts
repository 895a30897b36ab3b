import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ImageReader } from "../../src/process/image-reader.ts";
import { NO_IMAGE } from "../../src/process/image-store.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { KNOWN_START } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord } from "../wire/make-record.ts";

const TICK_NS = 1e9 / 100;

/** Start of a process, from /proc, ns. */
function startNs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]) * TICK_NS;
}

function text(bytes: Uint8Array | null | undefined): string | null {
  return bytes ? Buffer.from(bytes).toString("latin1") : null;
}

/** The image of a process after ImageReader read it; undefined if it is another process or gone. */
function readProcImage(pid: number, startNs: number, maxBytes: number) {
  const table = new ProcessTable({ lingerNs: 1e9 });
  const flags = startNs > 0 ? KNOWN_START : 0;
  const slot = table.seed(recordIn(forkRecord({ pid, start_ns: Math.round(startNs), flags })));
  const reader = new ImageReader({ table, maxBytes, drain: () => {} });
  reader.begin(slot);
  reader.finish();
  const image = table.image(slot);
  if (image === NO_IMAGE) return undefined;
  const { images } = table;
  const bytes = images.bytesOf(image);
  const start = images.exeStart(image);
  const end = start + images.exeLength(image);
  return {
    exe: images.exeText(image) === null ? null : bytes.subarray(start, end),
    args: images.argsText(image) === null ? null : bytes.subarray(end, end + images.argsLength(image)),
    argsCut: images.argsTruncated(image) ?? false,
  };
}

/** Runs a shell script whose last exec stops itself by `STOP`, and calls `use` while it is stopped. */
async function withStopped(script: string, args: string[], use: (pid: number) => void): Promise<void> {
  const child = Bun.spawn(["/bin/sh", "-c", script, "sh", ...args], { stdio: ["ignore", "ignore", "inherit"] });
  try {
    const isStopped = () => readFileSync(`/proc/${child.pid}/stat`, "latin1").includes(") T ");
    while (!isStopped()) await Bun.sleep(1);
    use(child.pid);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

const STOP = "-c 'kill -STOP $$'";

describe("ImageReader", () => {
  test("reads the path and the exact arguments of this process", () => {
    const image = readProcImage(process.pid, 0, 16 << 10);
    expect(text(image?.exe)).toBe(realpathSync("/proc/self/exe"));
    expect(text(image?.args)).toBe(readFileSync("/proc/self/cmdline", "latin1"));
  });

  test("reads a process only if its start matches to two ticks", () => {
    const start = startNs(process.pid);
    for (const off of [-2, 0, 0.99, 2]) {
      expect(readProcImage(process.pid, start + off * TICK_NS, 4096)).toBeDefined();
    }
    for (const off of [-3, 3, 1000]) {
      expect(readProcImage(process.pid, start + off * TICK_NS, 4096)).toBeUndefined();
    }
  });

  test("keeps invalid UTF-8, line ends, and empty arguments", async () => {
    const script = `exec /bin/sh ${STOP} "$(printf 'a\\377b')" "$(printf 'c\\nd')" ''`;
    await withStopped(script, [], (pid) => {
      const image = readProcImage(pid, startNs(pid), 4096);
      expect(text(image?.exe)).toBe(realpathSync("/bin/sh"));
      expect(text(image?.args)).toBe("/bin/sh\0-c\0kill -STOP $$\0a\xffb\0c\nd\0\0");
    });
  });

  test("cuts arguments at the requested length, and has the whole path nevertheless", () => {
    const exe = text(readProcImage(process.pid, 0, 4096)?.exe) ?? "";
    const whole = readFileSync("/proc/self/cmdline", "latin1");
    expect(text(readProcImage(process.pid, 0, 0)?.exe)).toBe(exe);
    const image = readProcImage(process.pid, 0, 2);
    expect(text(image?.exe)).toBe(exe);
    expect(text(image?.args)).toBe(whole.slice(0, 2));
  });

  const countsReads = existsSync("/proc/self/io");
  const unseen = countsReads ? "" : " (this kernel does not count reads)";
  test.skipIf(!countsReads)(`reads only the stored part of a long command line${unseen}`, async () => {
    // A process may set its command line to be as large as its memory.
    const long = "x".repeat(100_000);
    await withStopped(`exec /bin/sh ${STOP} "$@"`, [long, long, long, long, long, long, long, long], (pid) => {
      const readBytes = () => Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "latin1"))?.[1]);
      const before = readBytes();
      const image = readProcImage(pid, startNs(pid), 4096);
      expect(readBytes() - before).toBeLessThan(100_000);
      expect([image?.argsCut, image?.args?.length]).toEqual([true, 4096]);
    });
  });

  test("has the former path of a deleted executable", async () => {
    const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
    try {
      const path = join(realpathSync(directory), "shell");
      copyFileSync(realpathSync("/bin/sh"), path);
      await withStopped(`exec ${path} ${STOP}`, [], (pid) => {
        unlinkSync(path);
        expect(text(readProcImage(pid, 0, 4096)?.exe)).toBe(path);
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("returns nothing for a process that is gone", async () => {
    const child = Bun.spawn(["/bin/true"]);
    await child.exited;
    expect(readProcImage(child.pid, 0, 4096)).toBeUndefined();
    expect(readProcImage(child.pid, 1, 4096)).toBeUndefined();
  });

  const isKernelThread = existsSync("/proc/2/stat") && readFileSync("/proc/2/stat", "latin1").includes("(kthreadd)");
  test.skipIf(!isKernelThread)(
    `returns nothing for a kernel thread${isKernelThread ? "" : " (none is visible here)"}`,
    () => {
      expect(readProcImage(2, startNs(2), 4096)).toBeUndefined();
    },
  );
});
