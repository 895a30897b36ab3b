import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, LinnixError } from "../../src/errors.ts";
import { Output } from "../../src/sinks/output.ts";
import { NoReader, OutputClosed } from "../../src/sinks/output-errors.ts";
import { MAX_WAITING_BYTES } from "../../src/sinks/overflow.ts";
import { checkLibc } from "../../src/sys/errno.ts";
import { libc } from "../../src/sys/libc.ts";
import { addressOf } from "../../src/sys/native.ts";
import { descriptorsOf } from "../kernel/support/bpf-objects.ts";

const root = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(root, { recursive: true }));

const isRoot = process.geteuid?.() === 0;

function write(output: Output, text: string): void {
  const bytes = Buffer.from(text);
  output.write(bytes, bytes.length);
}

/** Waits until everything is written. @throws the error of the output */
async function settle(output: Output): Promise<void> {
  while (!output.retry()) {
    if (output.endsRun && output.isSettled) throw output.trouble?.error;
    await Bun.sleep(1);
  }
}

async function writeWhole(output: Output, text: string): Promise<void> {
  write(output, text);
  await settle(output);
}

/** The error that `use` throws. */
async function errorOf(use: () => unknown): Promise<unknown> {
  try {
    await use();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Open files below `root`. The runtime opens and closes other descriptors by itself. */
function openFiles(): string[] {
  return descriptorsOf("self").filter((file) => file.includes(root));
}

/** Mounts a tmpfs while `use` runs. */
async function withTmpfs(options: string, use: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(root, "tmpfs-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "linnix-test", directory], { encoding: "utf8" });
  if (mounted.status !== 0) throw new Error(mounted.stderr);
  try {
    await use(directory);
  } finally {
    spawnSync("umount", [directory]);
  }
}

describe("a file", () => {
  test("is created with mode 0600, and written at its end", async () => {
    const path = join(root, "new");
    {
      await using output = await Output.open(path);
      await writeWhole(output, "one\n");
      await writeWhole(output, "two\nthree\n");
      const more = Buffer.from("four\nnot this");
      output.write(more, 5);
      await settle(output);
    }
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\nthree\nfour\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("that exists is appended to, and keeps its mode", async () => {
    const path = join(root, "old");
    writeFileSync(path, "before\n", { mode: 0o644 });
    {
      await using output = await Output.open(path);
      await writeWhole(output, "after\n");
    }
    expect(readFileSync(path, "utf8")).toBe("before\nafter\n");
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test("is closed once, and a second close() does not close another descriptor", async () => {
    const before = openFiles();
    const output = await Output.open(join(root, "closed"));
    await output.close();
    const other = openSync("/dev/null", "r");
    await output.close();
    await output.close();
    expect(() => statSync(`/proc/self/fd/${other}`)).not.toThrow();
    closeSync(other);
    expect(openFiles()).toEqual(before);
  });

  test("given as a descriptor stays open after close()", async () => {
    const fd = openSync(join(root, "descriptor"), "w");
    const output = Output.of(fd);
    await writeWhole(output, "line\n");
    output.close();
    expect(() => closeSync(fd)).not.toThrow();
    expect(readFileSync(join(root, "descriptor"), "utf8")).toBe("line\n");
  });
});

/** Makes all writes to a file fail: replaces its descriptor by one that is only for reading. */
function breakDescriptor(path: string): void {
  const fd = readdirSync("/proc/self/fd")
    .map(Number)
    .find((open) => linkOf(open) === path) as number;
  closeSync(fd);
  const others: number[] = [];
  for (let opened = openSync("/dev/zero", "r"); opened !== fd; opened = openSync("/dev/zero", "r")) others.push(opened);
  for (const other of others) closeSync(other);
}

function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

describe("a file whose writes always fail", () => {
  test("is opened again, and receives the waiting lines once", async () => {
    const path = join(root, "broken");
    await using output = await Output.open(path, { goesOn: true });
    await writeWhole(output, "first\n");
    breakDescriptor(path);
    await writeWhole(output, "second\n");
    expect(output.trouble).toBeUndefined();
    expect([readFileSync(path, "utf8"), output.unwrittenLines]).toEqual(["first\nsecond\n", 0]);
  });
});

describe("a place that cannot be written", () => {
  beforeAll(() => {
    mkdirSync(join(root, "directory"));
    writeFileSync(join(root, "file"), "");
    symlinkSync("loop", join(root, "loop"));
  });

  test.each([
    ["directory", "it is a directory"],
    ["missing/file", "its folder does not exist"],
    ["file/below", "a part of the path is not a directory"],
    ["loop", "ELOOP"],
    ["x".repeat(300), "ENAMETOOLONG"],
  ])("is refused as wrong use: %s: %s", async (name, why) => {
    const path = join(root, name);
    const error = (await errorOf(() => Output.open(path))) as LinnixError;
    expect(error).toBeInstanceOf(LinnixError);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.what).toBe(`--output ${path} cannot be written`);
    expect(error.why).toBe(why);
    expect(error.hint).toBeTruthy();
  });

  test.skipIf(!isRoot)(
    `is refused on a read-only filesystem${isRoot ? "" : " (needs root to mount one)"}`,
    async () => {
      return withTmpfs("ro,size=64k", async (directory) => {
        const error = (await errorOf(() => Output.open(join(directory, "file")))) as LinnixError;
        expect([error.exitCode, error.why]).toEqual([EXIT.usage, "the filesystem is read-only"]);
      });
    },
  );

  test.skipIf(isRoot)(`is refused without permission${isRoot ? " (root has every one)" : ""}`, async () => {
    mkdirSync(join(root, "closed-directory"), { mode: 0o500 });
    const error = (await errorOf(() => Output.open(join(root, "closed-directory", "file")))) as LinnixError;
    expect([error.exitCode, error.why]).toEqual([EXIT.usage, "permission denied"]);
  });
});

describe("a full disk", () => {
  // Lines of many lengths, so that the disk is full at any place in a line.
  const lineOf = (i: number, stride: number) => `${i}:${"x".repeat((i * stride) % 301)}\n`;

  test.skipIf(!isRoot)(`ends the file with a whole line${isRoot ? "" : " (needs root to mount one)"}`, async () => {
    return withTmpfs("size=64k", async (directory) => {
      for (const stride of [7, 13, 101]) {
        for (const linesAWrite of [1, 10, 1000]) {
          const path = join(directory, "output");
          await using output = await Output.open(path);
          let written = "";
          let whole = "";
          const error = (await errorOf(async () => {
            for (let i = 0; ; ) {
              let lines = "";
              for (const end = i + linesAWrite; i < end; i++) lines += lineOf(i, stride);
              written += lines;
              await writeWhole(output, lines);
              whole = written;
            }
          })) as LinnixError;
          expect(error).toBeInstanceOf(LinnixError);
          expect(error.exitCode).toBe(EXIT.cannotRun);
          expect(error.what).toBe(`writing to ${path} failed`);
          expect(error.why).toBe("no space is left on the device");
          expect(error.hint).toBeTruthy();
          const text = readFileSync(path, "utf8");
          expect(text.endsWith("\n")).toBe(true);
          expect(written.startsWith(text)).toBe(true);
          // All earlier lines are in the file, and the disk is full except for the room of the line that did not fit.
          expect(text.length).toBeGreaterThanOrEqual(whole.length);
          expect(text.length).toBeGreaterThan(64 * 1024 - 310);
          rmSync(path);
        }
      }
    });
  });

  test.skipIf(!isRoot)(
    `keeps the earlier content of the file${isRoot ? "" : " (needs root to mount one)"}`,
    async () => {
      return withTmpfs("size=16k", async (directory) => {
        const path = join(directory, "output");
        writeFileSync(path, "before\n");
        await using output = await Output.open(path);
        // Of a line that is longer than the disk, nothing may stay in the file.
        await errorOf(() => writeWhole(output, `${"x".repeat(32 * 1024)}\n`));
        expect(readFileSync(path, "utf8")).toBe("before\n");
      });
    },
  );

  test("is reported for a device that is always full", async () => {
    await using output = await Output.open("/dev/full");
    const error = (await errorOf(() => writeWhole(output, "line\n"))) as LinnixError;
    expect([error.exitCode, error.why]).toEqual([EXIT.cannotRun, "no space is left on the device"]);
  });

  test("is reported with the name of standard output", async () => {
    const fd = openSync("/dev/full", "w");
    const error = (await errorOf(() => writeWhole(Output.of(fd), "line\n"))) as LinnixError;
    closeSync(fd);
    expect(error.what).toBe("writing to standard output failed");
  });
});

describe("a pipe", () => {
  const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

  function fifo(name: string): string {
    const path = join(root, name);
    expect(spawnSync("mkfifo", ["-m", "600", path]).status).toBe(0);
    return path;
  }

  /** Starts a shell script that reads the pipe. The returned function waits for its end and returns what it read. */
  function reading(path: string, script: string): () => Promise<string> {
    const stdin = openSync(path, O_RDONLY);
    const reader = Bun.spawn(["/bin/sh", "-c", script], { stdin, stdout: Bun.file(`${path}.read`) });
    closeSync(stdin);
    return async () => {
      expect(await reader.exited).toBe(0);
      return readFileSync(`${path}.read`, "utf8");
    };
  }

  test("whose reader went away waits for the next reader", async () => {
    const path = fifo("closed-pipe");
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    await using output = await Output.open(path);
    write(output, "read by nobody\n");
    closeSync(reader);
    write(output, "too late\n");
    expect(output.trouble?.error).toBeInstanceOf(OutputClosed);
    // Another reader may open the FIFO.
    expect(output.endsRun).toBeFalse();
  });

  test("without a reader does not block at open, but reports NoReader", async () => {
    const path = fifo("unread-pipe");
    expect(await errorOf(() => Output.open(path))).toBeInstanceOf(NoReader);
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    await using output = await Output.open(path);
    write(output, "read\n");
    const bytes = new Uint8Array(16);
    expect(new TextDecoder().decode(bytes.subarray(0, readSync(reader, bytes)))).toBe("read\n");
    closeSync(reader);
  });

  /** Writes the text as a collector does: retries until the reader has room for the rest. */
  async function writeAll(output: Output, text: string): Promise<void> {
    write(output, text);
    while (!output.retry()) await Bun.sleep(1);
    expect(output.isBlocked).toBeFalse();
    output.close();
  }

  test("that is full never blocks, and waiting lines are written before new lines", async () => {
    const path = fifo("full-pipe");
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    await using output = Output.of(fd);
    const text = "0123456789abcdef\n".repeat(10_000);
    write(output, text);
    expect(output.isBlocked).toBeTrue();
    write(output, "the last line\n");
    let read = "";
    const bytes = new Uint8Array(64 * 1024);
    while (read.length < text.length + 14) {
      read += new TextDecoder().decode(bytes.subarray(0, readSync(fd, bytes)));
      output.retry();
    }
    expect(read === `${text}the last line\n`).toBe(true);
    expect(output.isBlocked).toBeFalse();
    closeSync(fd);
  });

  // Waiting lines must not be copied for each new piece, which would take half a minute.
  test("that is full for very many lines keeps all of them, in order", async () => {
    const path = fifo("flooded-pipe");
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    await using output = Output.of(fd);
    const PIECES = 1536;
    const piece = Buffer.alloc(64 * 1024);
    for (let i = 0; i < PIECES; i++) {
      piece.fill(`${String(i).padStart(15)}\n`);
      output.write(piece, piece.length);
    }
    expect(output.isBlocked).toBeTrue();
    let read = 0;
    const bytes = Buffer.alloc(64 * 1024);
    for (let i = 0; i < PIECES; i++) {
      expect(output.waitingBytes).toBeGreaterThanOrEqual(PIECES * piece.length - read - bytes.length);
      for (let length = 0; length < bytes.length; ) {
        length += readSync(fd, bytes, length, bytes.length - length, null);
        output.retry();
      }
      read += bytes.length;
      piece.fill(`${String(i).padStart(15)}\n`);
      if (!bytes.equals(piece)) throw new Error(`piece ${i} is another`);
    }
    expect([output.isBlocked, output.waitingBytes]).toEqual([false, 0]);
    closeSync(fd);
  });

  test("that is slow and does not block gets everything", async () => {
    const path = fifo("slow-pipe");
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    const text = Array.from({ length: 40_000 }, (_, i) => `line ${i}\n`).join("");
    // The reader reads twice, with pauses.
    const script = `sleep 0.2; head -c 100000; sleep 0.1; head -c ${text.length - 100_000}`;
    const read = reading(path, script);
    await writeAll(Output.of(fd), text);
    expect((await read()) === text).toBe(true);
    closeSync(fd);
  });

  test("that is slow and blocks gets everything", async () => {
    const path = fifo("blocking-pipe");
    const hold = openSync(path, O_RDWR | O_NONBLOCK);
    const text = "0123456789abcdef\n".repeat(20_000);
    const read = reading(path, `sleep 0.1; head -c ${text.length}`);
    const fd = openSync(path, O_WRONLY);
    await writeAll(Output.of(fd), text);
    expect((await read()) === text).toBe(true);
    closeSync(fd);
    closeSync(hold);
  });
});

describe("a socket", () => {
  const AF_UNIX = 1;
  const SOCK_STREAM = 1;

  /** A blocking socket, as standard output may be, connected to the server at this path. */
  function connected(path: string): number {
    const fd = checkLibc("socket", libc().socket(AF_UNIX, SOCK_STREAM, 0));
    const address = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), Buffer.from(`${path}\0`)]);
    checkLibc("connect", libc().connect(fd, addressOf(address), address.length));
    return fd;
  }

  test("whose reader does not read never blocks, and gets everything once it does", async () => {
    let read = "";
    const path = join(root, "socket");
    // The server reads only while this test waits.
    const data = (_: unknown, bytes: Buffer) => {
      read += bytes.toString();
    };
    const server = Bun.listen({ unix: path, socket: { data } });
    const fd = connected(path);
    const output = Output.of(fd);
    const text = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join("");
    write(output, text);
    expect(output.isBlocked).toBeTrue();
    write(output, "the last line\n");
    while (!output.retry() || read.length < text.length + 14) await Bun.sleep(1);
    expect(read === `${text}the last line\n`).toBe(true);
    server.stop(true);
    closeSync(fd);
  });

  test("whose reader went away ends the run with OutputClosed", async () => {
    const path = join(root, "closed-socket");
    const gone = Promise.withResolvers<void>();
    const server = Bun.listen({
      unix: path,
      socket: { open: (socket) => void socket.terminate(), data: () => {}, close: () => gone.resolve() },
    });
    const fd = connected(path);
    await gone.promise;
    const output = Output.of(fd);
    write(output, "too late\n");
    expect(output.trouble?.error).toBeInstanceOf(OutputClosed);
    expect(output.endsRun).toBeTrue();
    server.stop(true);
    closeSync(fd);
  });
});

describe("a file that is opened again", () => {
  test("continues in a new file if the old one was moved away, and nothing is lost", async () => {
    const path = join(root, "rotated");
    await using output = await Output.open(path);
    await writeWhole(output, "one\n");
    renameSync(path, `${path}.1`);
    await writeWhole(output, "two\n");
    expect(await output.reopen()).toBe(true);
    await writeWhole(output, "three\n");
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("continues at its end if it is the same file", async () => {
    const path = join(root, "same");
    await using output = await Output.open(path);
    await writeWhole(output, "one\n");
    expect(await output.reopen()).toBe(true);
    await writeWhole(output, "two\n");
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  });

  test("stays the old file if no new file can be opened, and leaks no descriptor", async () => {
    const folder = join(root, "folder-that-goes");
    mkdirSync(folder);
    const path = join(folder, "log");
    await using output = await Output.open(path);
    const fifo = join(root, "fifo-to-be-moved");
    spawnSync("mkfifo", [fifo]);
    renameSync(folder, `${folder}.1`);
    const before = openFiles();
    expect(before).toHaveLength(1);
    expect(await errorOf(() => output.reopen())).toMatchObject({ why: "its folder does not exist" });
    mkdirSync(folder);
    renameSync(fifo, path);
    expect(await errorOf(() => output.reopen())).toBeInstanceOf(LinnixError);
    rmSync(path);
    mkdirSync(path);
    expect(await errorOf(() => output.reopen())).toMatchObject({ why: "it is a directory" });
    expect(openFiles()).toEqual(before);
    await writeWhole(output, "one\n");
    expect(readFileSync(join(`${folder}.1`, "log"), "utf8")).toBe("one\n");
  });

  test("is not standard output, a device or a closed output: reopen() returns false for them", async () => {
    const path = join(root, "closed");
    expect(await Output.of(1).reopen()).toBe(false);
    const output = await Output.open(path);
    output.close();
    expect(await output.reopen()).toBe(false);
    await using device = await Output.open("/dev/null");
    expect(await device.reopen()).toBe(false);
  });
});

describe("an output that accepts nothing", () => {
  const LINE = `{"type":"exec","x":"${"x".repeat(100)}"}\n`;
  const LINES = LINE.repeat(500);

  /** A FIFO whose reader does not read. */
  async function unreadFifo(name: string, goesOn: boolean) {
    const path = join(root, name);
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const output = await Output.open(path, { goesOn });
    output.gapLine = ({ lines, bytes, by_type }) => `missing ${lines} ${bytes} ${JSON.stringify(by_type)}\n`;
    return { path, reader, output };
  }

  /** The text that can be read now. */
  function readNow(fd: number): string {
    const bytes = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (let length = readSync(fd, bytes); length > 0; length = readSync(fd, bytes)) {
        text += new TextDecoder().decode(bytes.subarray(0, length));
      }
    } catch (error) {
      expect((error as { code: string }).code).toBe("EAGAIN");
    }
    return text;
  }

  test("drops whole lines once many wait, counts them, and writes a gap line in their place", async () => {
    const { reader, output } = await unreadFifo("dropping", true);
    let written = 0;
    while (output.unwrittenLines === 0) {
      write(output, LINES);
      written += 500;
      // The output blocks for a while first, so that events stay in the rings.
      if (output.isBlocked) await Bun.sleep(50);
    }
    expect(output.isBlocked).toBeFalse();
    expect(output.waitingBytes).toBeLessThan(2 * MAX_WAITING_BYTES);
    let text = "";
    while (!output.retry()) text += readNow(reader);
    write(output, "after\n");
    text += readNow(reader);
    const lines = text.trimEnd().split("\n");
    const missing = written - (lines.length - 2);
    const gap = `missing ${missing} ${missing * LINE.length} {"fork":0,"exec":${missing},"exit":0,"sample":0,"page_fault":0,"other":0}`;
    expect(lines.slice(-2)).toEqual([gap, "after"]);
    expect(lines.slice(0, -2).every((line) => `${line}\n` === LINE)).toBeTrue();
    expect(output.unwritten).toMatchObject({
      lines: missing,
      bytes: missing * LINE.length,
      by_type: { exec: missing },
    });
    await output.close();
    closeSync(reader);
  });

  test("blocks instead of dropping lines if goesOn is false", async () => {
    const { reader, output } = await unreadFifo("holding", false);
    for (let i = 0; i < 40; i++) write(output, LINES);
    expect([output.isBlocked, output.unwrittenLines]).toEqual([true, 0]);
    expect(output.waitingBytes).toBeGreaterThan(MAX_WAITING_BYTES);
    await output.close();
    closeSync(reader);
  });

  test("loses nothing of a FIFO: the next reader gets the unread lines, and then the rest", async () => {
    const { path, reader, output } = await unreadFifo("next-reader", true);
    write(output, LINES.repeat(2));
    expect(output.isWaiting).toBeTrue();
    closeSync(reader);
    output.retry();
    expect(output.trouble?.code).toBe("EPIPE");
    const next = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    let text = "";
    while (!output.retry()) {
      text += readNow(next);
      await Bun.sleep(5);
    }
    text += readNow(next);
    write(output, "after\n");
    text += readNow(next);
    const lines = text.trimEnd().split("\n");
    expect(lines.pop()).toBe("after");
    expect(lines).toHaveLength(1000);
    expect(lines.every((line) => `${line}\n` === LINE)).toBeTrue();
    expect([output.trouble, output.unwrittenLines]).toEqual([undefined, 0]);
    await output.close();
    closeSync(next);
  });

  test("stores many small pieces in shared memory", async () => {
    const { reader, output } = await unreadFifo("small", true);
    write(output, LINES.repeat(2));
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 5000; i++) write(output, LINE);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * MAX_WAITING_BYTES);
    await output.close();
    closeSync(reader);
  });

  test("does not keep a large buffer for the few waiting lines in it", async () => {
    const memory = new Uint8Array(1024 * 1024);
    const lines = LINES.repeat(Math.ceil((32 * 1024) / LINES.length));
    const length = Buffer.from(lines).copy(memory);
    await using file = await Output.open(join(root, "large-file"));
    expect(file.writeFrom(memory, length)).toBe(true);
    const next = file.memory(memory.length);
    expect(next).not.toBe(memory);
    Buffer.from(lines).copy(next);
    expect(file.writeFrom(next, length)).toBe(false);
    const full = new Uint8Array(length).fill(0x0a);
    expect(file.writeFrom(full, length)).toBe(true);
    while (!file.retry()) await Bun.sleep(1);
    expect(file.writtenBytes).toBe(3 * length);
  });

  const noMount = isRoot ? "" : " (needs root to mount one)";

  test.skipIf(!isRoot)(`continues on a full disk with a whole line once there is room${noMount}`, () => {
    return withTmpfs("size=64k", async (directory) => {
      const ballast = join(directory, "ballast");
      writeFileSync(ballast, new Uint8Array(32 * 1024));
      const path = join(directory, "output");
      await using output = await Output.open(path, { goesOn: true });
      write(output, LINES);
      while (output.trouble === undefined || !output.isSettled) {
        output.retry();
        await Bun.sleep(1);
      }
      expect([output.trouble.code, output.endsRun]).toEqual(["ENOSPC", false]);
      const text = readFileSync(path, "utf8");
      expect(text.endsWith("\n")).toBeTrue();
      expect(LINES.startsWith(text)).toBeTrue();
      rmSync(ballast);
      output.takeAll();
      await settle(output);
      expect(readFileSync(path, "utf8") === LINES).toBeTrue();
      expect(output.unwrittenLines).toBe(0);
    });
  });

  test.skipIf(!isRoot)(
    `completes the cut line of standard output on a full disk, because others share its position${noMount}`,
    () => {
      return withTmpfs("size=64k", async (directory) => {
        const ballast = join(directory, "ballast");
        writeFileSync(ballast, new Uint8Array(32 * 1024));
        const fd = openSync(join(directory, "output"), "w");
        const output = Output.of(fd, { goesOn: true });
        write(output, LINES);
        while (output.trouble === undefined) {
          output.retry();
          await Bun.sleep(1);
        }
        rmSync(ballast);
        output.takeAll();
        await settle(output);
        writeSync(fd, "of another\n");
        closeSync(fd);
        expect(readFileSync(join(directory, "output"), "utf8") === `${LINES}of another\n`).toBeTrue();
      });
    },
  );

  test("starts with a whole line in a new FIFO of the same name, and counts the cut line", async () => {
    const { path, reader, output } = await unreadFifo("other-fifo", true);
    write(output, LINES.repeat(2));
    closeSync(reader);
    output.retry();
    rmSync(path);
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    const next = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    while (!output.retry()) await Bun.sleep(5);
    write(output, "after\n");
    const lines = readNow(next).trimEnd().split("\n");
    expect(lines.slice(-2)).toEqual([expect.stringMatching(/^missing 1 /), "after"]);
    expect(lines.slice(0, -2).every((line) => `${line}\n` === LINE)).toBeTrue();
    expect(output.unwrittenLines).toBe(1);
    await output.close();
    closeSync(next);
  });

  test("survives a limit on file size, whose signal would end the program", async () => {
    const path = join(root, "limited");
    const script = `
      const { Output } = await import(${JSON.stringify(join(import.meta.dir, "../../src/sinks/output.ts"))});
      const output = await Output.open(${JSON.stringify(path)}, { goesOn: true });
      const lines = new TextEncoder().encode(${JSON.stringify(LINE)}.repeat(100));
      while (!output.trouble || !output.isSettled) {
        if (!output.isWaiting) output.write(lines, lines.length);
        output.retry();
        await Bun.sleep(1);
      }
      console.log(output.trouble.code);
    `;
    // The file is nearly as large as the limit, which is high enough for the runtime's own files.
    const [limit, bytes] = [64 * 1024, 64 * 1024 * 1024];
    spawnSync("truncate", ["-s", String(bytes - limit), path]);
    const run = spawnSync("prlimit", [`--fsize=${bytes}`, process.execPath, "-e", script], { encoding: "utf8" });
    expect(run.stdout).toBe("EFBIG\n");
    const text = readFileSync(path)
      .subarray(bytes - limit)
      .toString();
    expect([text.length > 0, text.endsWith("\n")]).toEqual([true, true]);
  });
});
