import { closeSync } from "node:fs";
import { log } from "../config/log.ts";
import { READING_THREADS } from "../sys/aio.ts";
import { BackgroundReads } from "../sys/background-reads.ts";
import { maxOpenFiles } from "../sys/open-files.ts";
import { NO_IMAGE } from "./image-store.ts";
import { beganThen, openCommandLine, readExe } from "./proc-image.ts";
import type { ProcessTable } from "./table.ts";
import { NO_SLOT } from "./table-slots.ts";

/** Memory of the reads that are begun together, bytes. */
const BATCH_BYTES = 128 * 1024;
/** How long linnix waits for a batch in which no further read ends, ms. */
const PATIENCE_MS = 250;
/** The same if a client waits for an answer, or if the next flush follows soon anyway. */
const SHORT_PATIENCE_MS = 20;
/** While linnix waits, it drains the rings after each such time, ms. */
const LOOK_MS = 10;
/** Number of file descriptors that stay free for everything else. */
const SPARE_DESCRIPTORS = 256;

/** Execs that the kernel side saw but could not emit. */
export interface MissedExecLog {
  has(pid: number): boolean;
  /** Called before linnix reads what the process executes now. */
  forget(pid: number): void;
}

/** One look at what a process executes. */
interface Look {
  readonly pid: number;
  /** Both 0: not known. */
  readonly startHigh: number;
  readonly startLow: number;
  readonly exe: Uint8Array | null;
  /** Descriptor of the command line; -1: it will be opened later. */
  fd: number;
  /** The read had not ended when linnix stopped waiting for it. */
  isLate: boolean;
  /** The image without arguments that the table has until the read ends; `NO_IMAGE`: none. */
  given: number;
  /** The process has called exec since the look began, so the result may describe the program before. */
  isOutdated: boolean;
}

/** When the process started, CLOCK_BOOTTIME, ns; 0: not known. */
function beganNs({ startHigh, startLow }: Look): number {
  return startHigh * 4294967296 + startLow;
}

/**
 * Opens the command line of the process. Returns a descriptor, or -1 if linnix may not open it or the process is gone.
 */
function openOf(look: Look): number {
  const fd = openCommandLine(look.pid);
  if (fd === null) return -1;
  if (beganThen(look.pid, beganNs(look))) return fd;
  closeSync(fd);
  return -1;
}

interface Batch {
  readonly reads: BackgroundReads;
  /** By index of the read; undefined: its result has been taken. */
  readonly looks: (Look | undefined)[];
}

export interface ImageReaderOptions {
  table: ProcessTable;
  /** Maximum number of bytes of arguments of one process. */
  maxBytes: number;
  /** Processes all records in the rings, because an image that is read now must not precede an earlier fork or exec. */
  drain(): void;
  missed?: MissedExecLog;
}

/**
 * Reads from /proc the images of processes whose exec event linnix did not see.
 *
 * To read a command line the kernel takes the mmap lock of the process (access_remote_vm), and waits while the process
 * holds it. The wait never ends if the process maps a file of a filesystem that does not answer. Only a fatal signal
 * ends this wait. A BPF program that reads the memory of another task has to wait for the same lock. So separate
 * threads read command lines, and they end together with linnix. The other reads take no such lock: the link of the
 * executable (get_mm_exe_file and d_path use RCU and spin locks), `stat` and `status`.
 *
 * No thread may wait in such a read while glibc changes the user of all threads, because glibc waits for each of them:
 * see `hold`.
 */
export class ImageReader {
  readonly #options: ImageReaderOptions;
  readonly #looks = new Map<number, Look>();
  readonly #batches: Batch[] = [];
  #next: Look[] = [];
  /** Memory of an earlier batch, for the next batch. */
  #spare: BackgroundReads | undefined;
  #isHeld = false;
  #openable = 0;

  constructor(options: ImageReaderOptions) {
    this.#options = options;
  }

  /** After this, linnix reads nothing until `release`. It only opens files, while it still has the permission. */
  hold(): void {
    this.#isHeld = true;
    this.#openable = Math.max(0, maxOpenFiles() - SPARE_DESCRIPTORS);
  }

  /** Reads what was requested since `hold`. */
  release(): void {
    this.#isHeld = false;
    this.finish();
  }

  /** Like `beginLater`, for a process that has called exec since the last look. */
  beginAgain(slot: number): void {
    const earlier = this.#looks.get(this.#options.table.pid(slot));
    if (earlier) earlier.isOutdated = true;
    else this.beginLater(slot);
  }

  /**
   * Requests the image of the live process of that slot, which has none. If there are enough requests for a batch, it
   * reads them and waits. It also processes events then, so slots are invalid after this call.
   */
  begin(slot: number): void {
    this.beginLater(slot);
    if (!this.#isHeld && this.#next.length >= this.#capacity) this.#readNext(PATIENCE_MS);
  }

  /**
   * Like `begin`, but reads nothing before the next `readSoon` or `poll`. It is for callers in the middle of an event
   * or a scan, when linnix must not emit another event.
   */
  beginLater(slot: number): void {
    const { table } = this.#options;
    const pid = table.pid(slot);
    if (this.#looks.has(pid)) return;
    // All threads wait in a read, so a further look would not start.
    if (this.#isStuck()) return;
    const exe = readExe(pid);
    // The process is gone, or it is a kernel thread, which has no path and no arguments.
    if (exe === undefined) return;
    const look: Look = {
      pid,
      startHigh: table.startHigh(slot),
      startLow: table.startLow(slot),
      exe,
      fd: -1,
      isLate: false,
      given: NO_IMAGE,
      isOutdated: false,
    };
    const opensNow = !this.#isHeld || this.#next.length < this.#openable;
    if (opensNow) look.fd = openCommandLine(pid) ?? -1;
    // A descriptor keeps referring to its process. linnix checks the process now, because hidepid may hide it after
    // linnix has given up root.
    if (!beganThen(pid, beganNs(look))) {
      if (look.fd !== -1) closeSync(look.fd);
      return;
    }
    if (opensNow && look.fd === -1) {
      this.#take(look, null);
      return;
    }
    this.#looks.set(pid, look);
    this.#next.push(look);
  }

  /** Reads what was requested, and waits for it. If a read does not end, only the path of that process is known. */
  finish(): void {
    if (this.#isHeld) return;
    this.#readNext(PATIENCE_MS);
    const { table } = this.#options;
    const pids: number[] = [];
    // These processes were forked when their parents had no image yet.
    for (const slot of table.liveSlots()) {
      if (table.image(slot) === NO_IMAGE && table.bornNs(slot) !== undefined) pids.push(table.pid(slot));
    }
    for (const pid of pids) {
      const slot = table.findLive(pid);
      if (slot !== NO_SLOT) this.begin(slot);
    }
    this.#readNext(PATIENCE_MS);
  }

  /** Reads what was requested. A later `poll` takes the results that do not arrive within a short time. */
  readSoon(): void {
    if (!this.#isHeld) this.#readNext(SHORT_PATIENCE_MS);
  }

  #readNext(patienceMs: number): void {
    while (this.#next.length > 0) {
      const batch = this.#submit();
      if (batch === undefined) continue;
      this.#wait(batch, patienceMs);
      if (patienceMs === PATIENCE_MS) this.#giveUp(batch);
    }
  }

  /**
   * Takes the results that have arrived, and begins the reads that were requested since. It costs nothing if there are
   * none.
   */
  poll(): void {
    if (this.#isHeld) return;
    if (this.#batches.length === 0) this.#spare = undefined;
    else this.#collect();
    for (const { looks } of this.#batches) for (const look of looks) if (look) look.isLate = true;
    this.readSoon();
  }

  get #capacity(): number {
    return Math.max(READING_THREADS, Math.floor(BATCH_BYTES / (this.#options.maxBytes + 1)));
  }

  /** Whether every thread waits in a read. */
  #isStuck(): boolean {
    let late = 0;
    for (const { looks } of this.#batches) for (const look of looks) if (look?.isLate) late++;
    return late >= READING_THREADS;
  }

  /** Begins to read the next files, as many as fit into a batch. Returns undefined if none can be read. */
  #submit(): Batch | undefined {
    const looks: Look[] = [];
    const isStuck = this.#isStuck();
    for (const look of this.#next.splice(0, this.#capacity)) {
      if (look.fd === -1) look.fd = openOf(look);
      if (look.fd !== -1 && !isStuck) looks.push(look);
      else this.#end(look, null);
    }
    if (looks.length === 0) return undefined;
    // One byte more than the maximum shows that a command line is longer.
    const reads = this.#spare ?? new BackgroundReads(this.#capacity, this.#options.maxBytes + 1);
    this.#spare = undefined;
    const batch = { reads, looks };
    reads.begin(looks.map(({ fd }) => fd));
    this.#batches.push(batch);
    return batch;
  }

  /** Waits until all reads of the batch have ended, or until none has ended for `patienceMs`. */
  #wait({ reads, looks }: Batch, patienceMs: number): void {
    const { length } = looks;
    let done = 0;
    let sinceMs = performance.now();
    while (done < length) {
      let first = 0;
      while (first < length && reads.isDone(first)) first++;
      if (first === length || !reads.wait(first, LOOK_MS)) this.#options.drain();
      let doneNow = 0;
      for (let i = 0; i < length; i++) if (reads.isDone(i)) doneNow++;
      const nowMs = performance.now();
      if (doneNow > done) sinceMs = nowMs;
      else if (nowMs - sinceMs >= patienceMs) break;
      done = doneNow;
    }
    this.#collect();
  }

  /** If a read is not done, only the path is known. The arguments may still arrive. */
  #giveUp({ looks }: Batch): void {
    const late = looks.filter((look) => look !== undefined);
    for (const look of late) {
      look.isLate = true;
      this.#take(look, null);
      const slot = this.#slotOf(look);
      if (slot !== NO_SLOT) look.given = this.#options.table.image(slot);
    }
    if (late.length === 0) return;
    const pids = late.map(({ pid }) => pid).join(", ");
    log.warn(
      `the command line of process ${pids} cannot be read, so its arguments are not known\n` +
        "the process holds its mmap lock, for example while it waits for a filesystem that does not answer",
    );
  }

  /** Takes the results of all reads that have ended. */
  #collect(): void {
    const isDone = ({ reads, looks }: Batch) => looks.some((look, i) => look !== undefined && reads.isDone(i));
    if (!this.#batches.some(isDone)) return;
    this.#options.drain();
    const outdated: Look[] = [];
    for (const { reads, looks } of this.#batches) {
      for (const [i, look] of looks.entries()) {
        if (look === undefined || !reads.isDone(i)) continue;
        looks[i] = undefined;
        this.#end(look, reads.bytes(i));
        if (look.isOutdated) outdated.push(look);
      }
    }
    for (let i = this.#batches.length - 1; i >= 0; i--) {
      const { reads } = this.#batches[i] as Batch;
      if (!reads.isOver()) continue;
      this.#batches.splice(i, 1);
      this.#spare = reads;
    }
    for (const look of outdated) this.#again(look);
  }

  #end(look: Look, args: Uint8Array | null): void {
    this.#looks.delete(look.pid);
    if (look.fd !== -1) closeSync(look.fd);
    look.isOutdated ||= this.#options.missed?.has(look.pid) === true;
    if (!look.isOutdated) this.#take(look, args);
  }

  #again(look: Look): void {
    const slot = this.#slotOf(look);
    if (slot === NO_SLOT || this.#options.table.image(slot) !== NO_IMAGE) return;
    this.#options.missed?.forget(look.pid);
    this.beginLater(slot);
  }

  #take(look: Look, args: Uint8Array | null): void {
    const { table, maxBytes } = this.#options;
    const slot = this.#slotOf(look);
    if (slot === NO_SLOT) return;
    const image = table.image(slot);
    // An event has reported more meanwhile.
    if (image !== NO_IMAGE && image !== look.given) return;
    // If the command line is empty, the arguments are unknown.
    const known = args && args.length > 0 ? args : null;
    table.setImage(slot, look.exe, known?.subarray(0, maxBytes) ?? null, known !== null && known.length > maxBytes);
  }

  #slotOf({ pid, startHigh, startLow }: Look): number {
    const { table } = this.#options;
    const slot = table.findLive(pid);
    if (slot === NO_SLOT || (startHigh === 0 && startLow === 0)) return slot;
    return table.startHigh(slot) === startHigh && table.startLow(slot) === startLow ? slot : NO_SLOT;
  }
}
