import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { maxOpenFiles } from "../sys/open-files.ts";

/** What a scan reports of each process. */
export type ScanDetail =
  /** Like ps and top: CPU time, memory and image of all processes, at each scan. */
  | "all"
  /**
   * Finds only which processes exist. A scan reads the files of a process only at its first two scans; later it reads
   * only the list of /proc. It does not notice a pid that is reused between two scans.
   */
  | "new";

/** A process as a scan found it. */
export interface ScannedProcess {
  pid: number;
  /** Start after boot, USER_HZ ticks. */
  startTicks: number;
  /** User and system time, USER_HZ ticks, at the last read. */
  cpuTicks: number;
  /** User time, which is included in `cpuTicks`. */
  userTicks: number;
  rssPages: number;
  ppid: number;
  threads: number;
  /** Whether the main thread has ended. Then the process has ended too, unless it has other threads. */
  isZombie: boolean;
}

/**
 * Called for a new process, and for a process that has executed another image. `args` are decoded as Latin-1, and empty
 * for a kernel thread.
 */
export type OnProcess = (process: ScannedProcess, args: string[]) => void;

/** For a scan whose caller ignores new processes. */
const ignore: OnProcess = () => {};

interface Known extends ScannedProcess {
  /** Open descriptor of /proc/PID/stat; -1 if the file is not kept open. */
  fd: number;
  /** Address of the bottom of the stack. It is a new random address after each execve(2). */
  startStack: number;
  /** Number of the last scan that found the process. */
  scan: number;
  /**
   * Number of reads so far. The scanner reads a new process twice, because a read between fork and exec returns the
   * image of the parent.
   */
  looks: number;
}

/** Maximum number of argument bytes that are read of one process. */
const MAX_ARGS_BYTES = 4096;
const STAT_BYTES = 1024;

const BLANK = 0x20;
const CLOSE = 0x29;
const ZOMBIE = 0x5a;
const DEAD = 0x58;

/**
 * The cheapest way to read /proc in this runtime. /proc/PID/stat stays open and is read again with pread(2), which
 * costs less than half of opening, reading and closing it. Numbers are parsed from the bytes without making strings.
 * An open file of an ended process returns ESRCH even if another process reuses the pid.
 */
export class ProcScanner implements Disposable {
  readonly #detail: ScanDetail;
  readonly #maxKeptFds: number;
  readonly #known = new Map<string, Known>();
  readonly #stat = Buffer.allocUnsafe(STAT_BYTES);
  readonly #args = Buffer.allocUnsafe(MAX_ARGS_BYTES);
  #keptFds = 0;
  #scan = 0;

  /** @param maxKeptFds maximum number of files that stay open */
  constructor(detail: ScanDetail, maxKeptFds = keepableFds()) {
    this.#detail = detail;
    this.#maxKeptFds = maxKeptFds;
  }

  /**
   * Scans all processes once, and reports the processes that are new or have another image.
   * @returns the number of all processes
   */
  scan(onProcess = ignore): number {
    this.#scan += 1;
    let count = 0;
    for (const name of readdirSync("/proc")) {
      const first = name.charCodeAt(0);
      if (first < 0x30 || first > 0x39) continue;
      count += 1;
      this.#look(name, onProcess);
    }
    for (const [name, known] of this.#known) {
      if (known.scan !== this.#scan) this.#forget(name, known);
    }
    return count;
  }

  /** Processes as of the last scan. */
  processes(): Iterable<ScannedProcess> {
    return this.#known.values();
  }

  [Symbol.dispose](): void {
    for (const [name, known] of this.#known) this.#forget(name, known);
  }

  #look(name: string, onProcess: OnProcess): void {
    let known = this.#known.get(name);
    if (known !== undefined) {
      known.scan = this.#scan;
      if (this.#detail === "new" && known.looks >= 2) return;
      const formerStack = known.startStack;
      if (this.#read(name, known)) {
        if (known.startStack !== formerStack) this.#report(name, known, onProcess);
        return;
      }
      this.#forget(name, known);
    }
    known = {
      pid: Number(name),
      fd: -1,
      startTicks: 0,
      cpuTicks: 0,
      userTicks: 0,
      rssPages: 0,
      ppid: 0,
      threads: 0,
      isZombie: false,
      startStack: 0,
      scan: this.#scan,
      looks: 0,
    };
    if (this.#read(name, known)) {
      this.#known.set(name, known);
      this.#report(name, known, onProcess);
    }
  }

  #report(name: string, known: Known, onProcess: OnProcess): void {
    if (onProcess !== ignore) onProcess(known, this.#readArgs(name));
  }

  #forget(name: string, known: Known): void {
    if (known.fd !== -1) {
      closeSync(known.fd);
      this.#keptFds -= 1;
    }
    this.#known.delete(name);
  }

  /** Reads /proc/PID/stat into `known`; false if the process has ended. */
  #read(name: string, known: Known): boolean {
    const keep = this.#detail === "all" && this.#keptFds < this.#maxKeptFds;
    let fd = known.fd;
    try {
      if (fd === -1) {
        fd = openSync(`/proc/${name}/stat`, "r");
        if (keep) {
          known.fd = fd;
          this.#keptFds += 1;
        }
      }
      const length = readSync(fd, this.#stat, 0, STAT_BYTES, 0);
      known.looks += 1;
      return parseStat(this.#stat, length, known);
    } catch {
      // ENOENT, ESRCH: the process ended after its pid was listed.
      return false;
    } finally {
      if (fd !== -1 && fd !== known.fd) closeSync(fd);
    }
  }

  #readArgs(name: string): string[] {
    try {
      const fd = openSync(`/proc/${name}/cmdline`, "r");
      try {
        const length = readSync(fd, this.#args, 0, MAX_ARGS_BYTES, 0);
        if (length === 0) return [];
        const end = this.#args[length - 1] === 0 ? length - 1 : length;
        return this.#args.toString("latin1", 0, end).split("\0");
      } finally {
        closeSync(fd);
      }
    } catch {
      return [];
    }
  }
}

/**
 * Parses the needed fields of a line of /proc/PID/stat (proc(5)): fields 3 (state), 4 (ppid), 14, 15 (utime, stime), 20
 * (threads), 22 (start), 24 (rss) and 28 (bottom of the stack). The name, which may contain any byte, ends at the last
 * ")". Returns false if the line is incomplete.
 */
export function parseStat(bytes: Uint8Array, length: number, into: ScannedProcess & { startStack: number }): boolean {
  let at = bytes.lastIndexOf(CLOSE, length - 1);
  if (at === -1) return false;
  // Skip ") " to the one byte of field 3; then skip that byte and a blank.
  at += 2;
  const state = bytes[at];
  into.isZombie = state === ZOMBIE || state === DEAD;
  at += 2;
  let field = 4;
  let value = 0;
  for (; at < length; at += 1) {
    const byte = bytes[at] as number;
    if (byte !== BLANK) {
      value = value * 10 + (byte - 0x30);
      continue;
    }
    if (field === 4) into.ppid = value;
    else if (field === 14) into.userTicks = value;
    else if (field === 15) into.cpuTicks = into.userTicks + value;
    else if (field === 20) into.threads = value;
    else if (field === 22) into.startTicks = value;
    else if (field === 24) into.rssPages = value;
    else if (field === 28) {
      into.startStack = value;
      return true;
    }
    field += 1;
    value = 0;
  }
  return false;
}

/** How many files a scanner may keep open: the limit of this process minus 128 for all other uses. */
function keepableFds(): number {
  try {
    return Math.max(0, maxOpenFiles() - 128);
  } catch {
    return 0;
  }
}
