import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, LinnixError } from "../../src/errors.ts";
import { checkLibc } from "../../src/libbpf/errno.ts";
import { libc } from "../../src/libbpf/libc.ts";
import { addressOf } from "../../src/libbpf/native.ts";
import { NoReader, Output, OutputClosed } from "../../src/sinks/output.ts";
import { descriptorsOf } from "../kernel/support/bpf-objects.ts";

const root = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(root, { recursive: true }));

const isRoot = process.geteuid?.() === 0;

function write(output: Output, text: string): void {
  const bytes = Buffer.from(text);
  output.write(bytes, bytes.length);
}

/** What `use` throws. */
function errorOf(use: () => unknown): unknown {
  try {
    use();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** Files below `root` that are open; other descriptors of this process come and go by themselves. */
function openFiles(): string[] {
  return descriptorsOf("self").filter((file) => file.includes(root));
}

/** Mounts a tmpfs for as long as `use` runs. */
function withTmpfs(options: string, use: (directory: string) => void): void {
  const directory = mkdtempSync(join(root, "tmpfs-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "linnix-test", directory], { encoding: "utf8" });
  if (mounted.status !== 0) throw new Error(mounted.stderr);
  try {
    use(directory);
  } finally {
    spawnSync("umount", [directory]);
  }
}

describe("a file", () => {
  test("is made for its owner alone, and written to its end", () => {
    const path = join(root, "new");
    {
      using output = Output.open(path);
      write(output, "one\n");
      write(output, "two\nthree\n");
      const more = Buffer.from("four\nnot this");
      output.write(more, 5);
    }
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\nthree\nfour\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("that is there is appended to, and keeps its mode", () => {
    const path = join(root, "old");
    writeFileSync(path, "before\n", { mode: 0o644 });
    {
      using output = Output.open(path);
      write(output, "after\n");
    }
    expect(readFileSync(path, "utf8")).toBe("before\nafter\n");
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test("is closed once, whatever was closed before", () => {
    const before = openFiles();
    const output = Output.open(join(root, "closed"));
    output.close();
    const other = openSync("/dev/null", "r");
    output.close();
    output[Symbol.dispose]();
    expect(() => statSync(`/proc/self/fd/${other}`)).not.toThrow();
    closeSync(other);
    expect(openFiles()).toEqual(before);
  });

  test("a descriptor that is not its own stays open", () => {
    const fd = openSync(join(root, "descriptor"), "w");
    const output = Output.of(fd);
    write(output, "line\n");
    output.close();
    expect(() => closeSync(fd)).not.toThrow();
    expect(readFileSync(join(root, "descriptor"), "utf8")).toBe("line\n");
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
    ["missing/file", "its directory does not exist"],
    ["file/below", "a part of the path is not a directory"],
    ["loop", "ELOOP"],
    ["x".repeat(300), "ENAMETOOLONG"],
  ])("%s: %s, as wrong use", (name, why) => {
    const path = join(root, name);
    const error = errorOf(() => Output.open(path)) as LinnixError;
    expect(error).toBeInstanceOf(LinnixError);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.what).toBe(`--output ${path} cannot be written`);
    expect(error.why).toBe(why);
    expect(error.mend).toBeTruthy();
  });

  test.skipIf(!isRoot)(`a read-only filesystem${isRoot ? "" : " (needs root to mount one)"}`, () => {
    withTmpfs("ro,size=64k", (directory) => {
      const error = errorOf(() => Output.open(join(directory, "file"))) as LinnixError;
      expect([error.exitCode, error.why]).toEqual([EXIT.usage, "the filesystem is read-only"]);
    });
  });

  test.skipIf(isRoot)(`no permission${isRoot ? " (root has every one)" : ""}`, () => {
    mkdirSync(join(root, "closed-directory"), { mode: 0o500 });
    const error = errorOf(() => Output.open(join(root, "closed-directory", "file"))) as LinnixError;
    expect([error.exitCode, error.why]).toEqual([EXIT.usage, "permission denied"]);
  });
});

describe("a full disk", () => {
  // Lines of many lengths, so that the disk is full at any place in a line.
  const lineOf = (i: number, stride: number) => `${i}:${"x".repeat((i * stride) % 301)}\n`;

  test.skipIf(!isRoot)(`ends the file with a whole line${isRoot ? "" : " (needs root to mount one)"}`, () => {
    withTmpfs("size=64k", (directory) => {
      for (const stride of [7, 13, 101]) {
        for (const linesAWrite of [1, 10, 1000]) {
          const path = join(directory, "output");
          using output = Output.open(path);
          let written = "";
          let whole = "";
          const error = errorOf(() => {
            for (let i = 0; ; ) {
              let lines = "";
              for (const end = i + linesAWrite; i < end; i++) lines += lineOf(i, stride);
              written += lines;
              write(output, lines);
              whole = written;
            }
          }) as LinnixError;
          expect(error).toBeInstanceOf(LinnixError);
          expect(error.exitCode).toBe(EXIT.cannotRun);
          expect(error.what).toBe(`writing to ${path} failed`);
          expect(error.why).toBe("no space is left on the device");
          expect(error.mend).toBeTruthy();
          const text = readFileSync(path, "utf8");
          expect(text.endsWith("\n")).toBe(true);
          expect(written.startsWith(text)).toBe(true);
          // What had been written before is all there, and the disk is full but for the line that did not fit.
          expect(text.length).toBeGreaterThanOrEqual(whole.length);
          expect(text.length).toBeGreaterThan(64 * 1024 - 310);
          rmSync(path);
        }
      }
    });
  });

  test.skipIf(!isRoot)(`keeps what was in the file before${isRoot ? "" : " (needs root to mount one)"}`, () => {
    withTmpfs("size=16k", (directory) => {
      const path = join(directory, "output");
      writeFileSync(path, "before\n");
      using output = Output.open(path);
      // One line that is longer than the disk: nothing of it may stay.
      errorOf(() => write(output, `${"x".repeat(32 * 1024)}\n`));
      expect(readFileSync(path, "utf8")).toBe("before\n");
    });
  });

  test("a device that is always full", () => {
    using output = Output.open("/dev/full");
    const error = errorOf(() => write(output, "line\n")) as LinnixError;
    expect([error.exitCode, error.why]).toEqual([EXIT.cannotRun, "no space is left on the device"]);
  });

  test("standard output is named as such", () => {
    const fd = openSync("/dev/full", "w");
    const error = errorOf(() => write(Output.of(fd), "line\n")) as LinnixError;
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

  /** Starts a shell script that reads the pipe; what it read, once it has ended. */
  function reading(path: string, script: string): () => Promise<string> {
    const stdin = openSync(path, O_RDONLY);
    const reader = Bun.spawn(["/bin/sh", "-c", script], { stdin, stdout: Bun.file(`${path}.read`) });
    closeSync(stdin);
    return async () => {
      expect(await reader.exited).toBe(0);
      return readFileSync(`${path}.read`, "utf8");
    };
  }

  test("whose reader went away ends quietly", () => {
    const path = fifo("closed-pipe");
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    using output = Output.open(path);
    write(output, "read by nobody\n");
    closeSync(reader);
    expect(errorOf(() => write(output, "too late\n"))).toBeInstanceOf(OutputClosed);
  });

  test("that nobody reads yet keeps nobody waiting", () => {
    const path = fifo("unread-pipe");
    expect(errorOf(() => Output.open(path))).toBeInstanceOf(NoReader);
    const reader = openSync(path, O_RDONLY | O_NONBLOCK);
    using output = Output.open(path);
    write(output, "read\n");
    const bytes = new Uint8Array(16);
    expect(new TextDecoder().decode(bytes.subarray(0, readSync(reader, bytes)))).toBe("read\n");
    closeSync(reader);
  });

  /** Brings the text as a collector would: what the reader has no room for goes when it has. */
  async function writeAll(output: Output, text: string): Promise<void> {
    write(output, text);
    while (!output.retry()) await Bun.sleep(1);
    expect(output.isBlocked).toBeFalse();
    output.close();
  }

  test("that is full keeps nobody waiting: what has no room goes first next time", () => {
    const path = fifo("full-pipe");
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    using output = Output.of(fd);
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

  // What waits is not copied for each piece that comes: that would take half a minute.
  test("that is full while very much comes keeps all of it, in order", () => {
    const path = fifo("flooded-pipe");
    const fd = openSync(path, O_RDWR | O_NONBLOCK);
    using output = Output.of(fd);
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
    // Reads in two bites and with pauses.
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

  /** A blocking one, as standard output may be, connected to the server at that path. */
  function connected(path: string): number {
    const fd = checkLibc("socket", libc().socket(AF_UNIX, SOCK_STREAM, 0));
    const address = Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), Buffer.from(`${path}\0`)]);
    checkLibc("connect", libc().connect(fd, addressOf(address), address.length));
    return fd;
  }

  test("whose reader does not read keeps nobody waiting, and gets everything once it does", async () => {
    let read = "";
    const path = join(root, "socket");
    // It reads when this test waits, not before.
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

  test("whose reader went away ends quietly", async () => {
    const path = join(root, "closed-socket");
    const gone = Promise.withResolvers<void>();
    const server = Bun.listen({
      unix: path,
      socket: { open: (socket) => void socket.terminate(), data: () => {}, close: () => gone.resolve() },
    });
    const fd = connected(path);
    await gone.promise;
    expect(errorOf(() => write(Output.of(fd), "too late\n"))).toBeInstanceOf(OutputClosed);
    server.stop(true);
    closeSync(fd);
  });
});

describe("a file that is opened again", () => {
  test("goes on in a new file where the old one was moved away, and nothing is lost", () => {
    const path = join(root, "rotated");
    using output = Output.open(path);
    write(output, "one\n");
    renameSync(path, `${path}.1`);
    write(output, "two\n");
    expect(output.reopen()).toBe(true);
    write(output, "three\n");
    expect(readFileSync(`${path}.1`, "utf8")).toBe("one\ntwo\n");
    expect(readFileSync(path, "utf8")).toBe("three\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("goes on at its end where it is the same", () => {
    const path = join(root, "same");
    using output = Output.open(path);
    write(output, "one\n");
    expect(output.reopen()).toBe(true);
    write(output, "two\n");
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  });

  test("keeps the old one where there can be no new one, and leaves no descriptor behind", () => {
    const folder = join(root, "folder-that-goes");
    mkdirSync(folder);
    const path = join(folder, "log");
    using output = Output.open(path);
    const fifo = join(root, "fifo-to-be-moved");
    spawnSync("mkfifo", [fifo]);
    renameSync(folder, `${folder}.1`);
    const before = openFiles();
    expect(before).toHaveLength(1);
    expect(errorOf(() => output.reopen())).toMatchObject({ why: "its directory does not exist" });
    mkdirSync(folder);
    renameSync(fifo, path);
    expect(errorOf(() => output.reopen())).toBeInstanceOf(LinnixError);
    rmSync(path);
    mkdirSync(path);
    expect(errorOf(() => output.reopen())).toMatchObject({ why: "it is a directory" });
    expect(openFiles()).toEqual(before);
    write(output, "one\n");
    expect(readFileSync(join(`${folder}.1`, "log"), "utf8")).toBe("one\n");
  });

  test("is not what is done to standard output, a pipe, or what is closed", () => {
    const path = join(root, "closed");
    expect(Output.of(1).reopen()).toBe(false);
    const output = Output.open(path);
    output.close();
    expect(output.reopen()).toBe(false);
    using device = Output.open("/dev/null");
    expect(device.reopen()).toBe(false);
  });
});
