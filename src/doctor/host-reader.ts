import { accessSync, closeSync, constants, openSync, readdirSync, readlinkSync, readSync, statSync } from "node:fs";
import { machine, release } from "node:os";
import { join } from "node:path";
import { glibcVersion } from "../sys/libc.ts";

/** Why a file could not be read. `absent` also means that the path is not a file. */
export type ReadFailure = "absent" | "denied" | "failed";

export type ReadResult = { ok: true; bytes: Uint8Array } | { ok: false; reason: ReadFailure };

export interface RunResult {
  /** null if the program was ended by a signal or by the time limit. */
  exitCode: number | null;
  /** Standard output, then standard error; each cut at 16 KiB. */
  output: string;
}

/** The reads of a machine that the doctor makes. No method writes to the machine, and none throws. */
export interface HostReader {
  /** As `uname -m` prints it. */
  readonly machine: string;
  /** The kernel's release as `uname -r` prints it. */
  readonly release: string;
  /** Version of the C library; null if unknown. */
  readonly glibc: string | null;
  /** Reads at most the first `maxBytes` of a file, by default 1 MiB. */
  readFile(path: string, maxBytes?: number): ReadResult;
  exists(path: string): boolean;
  readLink(path: string): string | null;
  /** Names in a directory, unsorted; empty if it cannot be read. */
  list(path: string): string[];
  /** Absolute path of an executable in the fixed PATH; null if there is none. */
  which(name: string): string | null;
  /**
   * Runs `argv` with a minimal environment and no input. After `limitMs`, by default 5 s, its process group is killed.
   * Resolves to null if the program could not be started.
   */
  run(argv: readonly [string, ...string[]], limitMs?: number): Promise<RunResult | null>;
}

const PATH_DIRECTORIES = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const MAX_FILE_BYTES = 1 << 20;
const MAX_OUTPUT_BYTES = 16 << 10;
const RUN_LIMIT_MS = 5000;

/** @param root the directory to use as `/`; a directory other than `/` is a recorded machine */
export function hostReader(root = "/"): HostReader {
  const at = (path: string) => join(root, path);
  return {
    machine: kernelMachine(),
    release: release(),
    glibc: glibcVersion(),
    readFile: (path, maxBytes = MAX_FILE_BYTES) => readBounded(at(path), maxBytes),
    exists: (path) => {
      try {
        statSync(at(path));
        return true;
      } catch {
        return false;
      }
    },
    readLink: (path) => {
      try {
        return readlinkSync(at(path));
      } catch {
        return null;
      }
    },
    list: (path) => {
      try {
        return readdirSync(at(path));
      } catch {
        return [];
      }
    },
    which: (name) => {
      for (const directory of PATH_DIRECTORIES) {
        const path = join(directory, name);
        if (isExecutable(at(path))) return path;
      }
      return null;
    },
    run: (argv, limitMs = RUN_LIMIT_MS) => runBounded([at(argv[0]), ...argv.slice(1)], limitMs),
  };
}

/** The file as text without trailing white space, invalid UTF-8 replaced; null if it cannot be read. */
export function readText(host: HostReader, path: string): string | null {
  const result = host.readFile(path);
  return result.ok ? new TextDecoder().decode(result.bytes).trimEnd() : null;
}

/** The file as one whole number; null if it cannot be read or contains something else. */
export function readNumber(host: HostReader, path: string): number | null {
  const text = readText(host, path)?.trim();
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Why a file cannot be read, or null if it can. */
export function readFailure(host: HostReader, path: string): ReadFailure | null {
  const result = host.readFile(path, 1);
  return result.ok ? null : result.reason;
}

function readBounded(path: string, maxBytes: number): ReadResult {
  let fd: number;
  try {
    // Without O_NONBLOCK, opening a FIFO would block.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return { ok: false, reason: failureOf(error) };
  }
  try {
    // Files of procfs and sysfs state no useful size, so read until there is no more.
    const chunks: Uint8Array[] = [];
    let total = 0;
    while (total < maxBytes) {
      const chunk = new Uint8Array(Math.min(maxBytes - total, 256 << 10));
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      total += count;
    }
    return { ok: true, bytes: Buffer.concat(chunks, total) };
  } catch (error) {
    return { ok: false, reason: failureOf(error) };
  } finally {
    closeSync(fd);
  }
}

/** The kernel's name of the architecture: `aarch64` if the runtime returns `arm64`. */
function kernelMachine(): string {
  const name = machine();
  return name === "arm64" ? "aarch64" : name;
}

function failureOf(error: unknown): ReadFailure {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
    case "EISDIR":
      return "absent";
    case "EACCES":
    case "EPERM":
      return "denied";
    default:
      return "failed";
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function runBounded(argv: string[], limitMs: number): Promise<RunResult | null> {
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(argv, {
      cwd: "/",
      env: { PATH: PATH_DIRECTORIES.join(":"), LC_ALL: "C" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
  } catch {
    return null;
  }
  // A grandchild may keep the pipes open after the child is gone, so the limit must also end the readers.
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  limit.signal.addEventListener("abort", () => killGroup(child.pid));
  try {
    const [stdout, stderr] = await Promise.all([
      readStream(child.stdout, limit.signal),
      readStream(child.stderr, limit.signal),
    ]);
    if (stdout.cut || stderr.cut) killGroup(child.pid);
    await child.exited;
    return { exitCode: child.signalCode === null ? child.exitCode : null, output: stdout.text + stderr.text };
  } finally {
    clearTimeout(timer);
  }
}

/** Kills the process group of a child, and so also the processes that the child started. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has already ended.
  }
}

async function readStream(stream: ReadableStream<Uint8Array>, signal: AbortSignal) {
  const reader = stream.getReader();
  const stop = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", stop);
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    while (total < MAX_OUTPUT_BYTES) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      total += value.length;
    }
  } catch {
    // The output before the error is returned.
  }
  const cut = total >= MAX_OUTPUT_BYTES;
  if (cut) stop();
  signal.removeEventListener("abort", stop);
  return { text: new TextDecoder().decode(Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES)), cut };
}
