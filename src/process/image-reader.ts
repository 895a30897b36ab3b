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
/** How long is waited while no read ends, and how often the rings are looked at meanwhile, ms. */
const PATIENCE_MS = 250;
/** The same where a client waits for an answer, or the next flush comes soon anyway. */
const SHORT_PATIENCE_MS = 20;
const LOOK_MS = 10;
/** Descriptors that are left to everything else. */
const SPARE_DESCRIPTORS = 256;

/** Execs that the kernel side saw but could not emit. */
export interface MissedExecLog {
  has(pid: number): boolean;
  /** What the process executes now is about to be read. */
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
  /** Its read has not ended although it was waited for. */
  isLate: boolean;
  /** The image without arguments that the process has meanwhile. */
  given: number;
  /** The process has executed something since: what is read may be what it was before. */
  isOutdated: boolean;
}

/** When its process began, ns of CLOCK_BOOTTIME; 0: not known. */
function beganNs({ startHigh, startLow }: Look): number {
  return startHigh * 4294967296 + startLow;
}

/** A descriptor of its command line; -1: there is none for us, or its process is gone. */
function openOf(look: Look): number {
  const fd = openCommandLine(look.pid);
  if (fd === null) return -1;
  if (beganThen(look.pid, beganNs(look))) return fd;
  closeSync(fd);
  return -1;
}

interface Batch {
  readonly reads: BackgroundReads;
  /** By index of the read; undefined: it is dealt with. */
  readonly looks: (Look | undefined)[];
}

export interface ImageReaderOptions {
  table: ProcessTable;
  /** Maximum number of bytes of arguments of one process. */
  maxBytes: number;
  /** Gives out what the rings hold: an image of now must not come before a fork or exec of before. */
  drain(): void;
  missed?: MissedExecLog;
}

/**
 * Reads from /proc the images of processes whose exec event linnix did not see.
 *
 * To read a command line the kernel takes the mmap lock of the process (access_remote_vm), and waits while the process
 * holds it. That can be forever, if the process maps over a file of a filesystem that does not answer. Only a fatal
 * signal ends this wait, and a BPF program that reads the memory of another task has to wait in the same place. So
 * other threads read command lines, and end with this process. Everything else that is read of processes takes no such
 * lock: the link of the executable (get_mm_exe_file and d_path: RCU and spin locks), `stat` and `status`.
 *
 * No thread may wait in it when glibc changes the user of all threads, because glibc waits for each of them: see
 * `hold`.
 */
export class ImageReader {
  readonly #options: ImageReaderOptions;
  readonly #looks = new Map<number, Look>();
  readonly #batches: Batch[] = [];
  #next: Look[] = [];
  /** Memory for the next batch, if there was one before. */
  #spare: BackgroundReads | undefined;
  #isHeld = false;
  #openable = 0;

  constructor(options: ImageReaderOptions) {
    this.#options = options;
  }

  /** Reads nothing until `release`. Until then it only opens files, while that is still permitted. */
  hold(): void {
    this.#isHeld = true;
    this.#openable = Math.max(0, maxOpenFiles() - SPARE_DESCRIPTORS);
  }

  /** Reads what was begun since `hold`. */
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
   * Begins to look at the live process of that slot, which has no image. Reads if many were begun: events are given out
   * then, and slots may be others after this.
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
    // All threads wait: the next look would wait for them.
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

  /** Reads what was begun, and waits for it. Of a process that does not let itself be read the path alone is known. */
  finish(): void {
    if (this.#isHeld) return;
    this.#readNext(PATIENCE_MS);
    const { table } = this.#options;
    const pids: number[] = [];
    // Their parents had no image yet when they were forked.
    for (const slot of table.liveSlots()) {
      if (table.image(slot) === NO_IMAGE && table.bornNs(slot) !== undefined) pids.push(table.pid(slot));
    }
    for (const pid of pids) {
      const slot = table.findLive(pid);
      if (slot !== NO_SLOT) this.begin(slot);
    }
    this.#readNext(PATIENCE_MS);
  }

  /** Reads what was begun. What does not come within a moment is taken later, by a `poll`. */
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

  /** Whether no thread is left that could read. */
  #isStuck(): boolean {
    let late = 0;
    for (const { looks } of this.#batches) for (const look of looks) if (look?.isLate) late++;
    return late >= READING_THREADS;
  }

  /** Begins to read the next files, as many as go together. */
  #submit(): Batch | undefined {
    const looks: Look[] = [];
    const isStuck = this.#isStuck();
    for (const look of this.#next.splice(0, this.#capacity)) {
      if (look.fd === -1) look.fd = openOf(look);
      if (look.fd !== -1 && !isStuck) looks.push(look);
      else this.#end(look, null);
    }
    if (looks.length === 0) return undefined;
    // A byte more, which says that there are more.
    const reads = this.#spare ?? new BackgroundReads(this.#capacity, this.#options.maxBytes + 1);
    this.#spare = undefined;
    const batch = { reads, looks };
    reads.begin(looks.map(({ fd }) => fd));
    this.#batches.push(batch);
    return batch;
  }

  /** Waits for as long as some read of the batch ends now and then. */
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
        "its mmap lock is held, as while it waits for a filesystem that does not answer",
    );
  }

  /** Takes all that is done. */
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
    // A command line without a byte: no arguments are known.
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
