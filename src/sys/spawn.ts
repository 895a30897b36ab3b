/**
 * Makes, times and waits for processes through libc. The workload generator needs what Bun.spawn does not offer: clock
 * reads directly before and after the spawn, raw wait statuses, argv[0], immediate reaping, bare forks. It allocates no
 * garbage per child.
 */
import { ptr } from "bun:ffi";
import { CLOCK, RUSAGE_WORDS } from "./clock.ts";
import { errnoName, lastErrno } from "./errno.ts";
import { libc, systemCall } from "./libc.ts";

const WNOHANG = 1;
const PR_SET_PDEATHSIG = 1;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const POLLIN = 1;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const O_RDWR = 2;

/** Larger than either opaque type of any glibc (80 and 336 bytes). */
const OPAQUE_BYTES = 2048;
/** Maximum number of bytes of all arguments of one spawn. */
const ARENA_BYTES = 64 * 1024;
const MAX_ARGS = 512;

const sleepSpec = new BigInt64Array(2);

function setSleepSpec(ns: number): void {
  const whole = Math.max(0, Math.floor(ns));
  sleepSpec[0] = BigInt(Math.floor(whole / 1e9));
  sleepSpec[1] = BigInt(whole % 1e9);
}

/** Blocks this thread, event loop included, for `ns` of CLOCK_MONOTONIC; a signal may end it early. */
export function sleepNs(ns: number): void {
  setSleepSpec(ns);
  libc().clock_nanosleep(CLOCK.monotonic, 0, sleepSpec, null);
}

/** kill(2): false if the process does not exist or may not be signalled. */
export function kill(pid: number, signal: number): boolean {
  return libc().kill(pid, signal) === 0;
}

/**
 * Asks the kernel to send `signal` to this process when the thread that created this process ends (PR_SET_PDEATHSIG).
 */
export function setParentDeathSignal(signal: number): void {
  libc().prctl(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n);
}

/** A process that has ended, as wait4(2) reports it. */
export interface ChildUsage {
  pid: number;
  /** Wait status, as in wait(2). */
  status: number;
  userUs: number;
  systemUs: number;
  /**
   * ru_maxrss. After vfork it is at least the parent's, because exec records the peak of the old address space
   * (fs/exec.c).
   */
  maxRssKib: number;
  minorFaults: number;
  majorFaults: number;
}

const statusOut = new Int32Array(1);
const rusageOut = new BigInt64Array(RUSAGE_WORDS);
const usage: ChildUsage = {
  pid: 0,
  status: 0,
  userUs: 0,
  systemUs: 0,
  maxRssKib: 0,
  minorFaults: 0,
  majorFaults: 0,
};

function rusage(at: number): number {
  return Number(rusageOut[at] ?? 0n);
}

/**
 * Reaps one child that has ended (`pid` -1: any), without waiting. The next call reuses the returned object.
 *
 * @returns null if no child has ended, or there is no child
 */
export function reap(pid: number): Readonly<ChildUsage> | null {
  const got = libc().wait4(pid, statusOut, WNOHANG, rusageOut);
  if (got <= 0) return null;
  usage.pid = got;
  usage.status = statusOut[0] ?? 0;
  usage.userUs = rusage(0) * 1e6 + rusage(1);
  usage.systemUs = rusage(2) * 1e6 + rusage(3);
  usage.maxRssKib = rusage(4);
  usage.minorFaults = rusage(8);
  usage.majorFaults = rusage(9);
  return usage;
}

/**
 * posix_spawn(3), with everything prepared that is the same for all children: default signal dispositions and mask,
 * /dev/null as stdin, stdout and stderr, and a fixed environment. glibc makes the child with CLONE_VM|CLONE_VFORK, so
 * the size of this process does not matter, and returns when the child has called exec.
 */
export class Spawner implements Disposable {
  readonly #attr = new Uint8Array(OPAQUE_BYTES);
  readonly #actions = new Uint8Array(OPAQUE_BYTES);
  readonly #devNull = cString("/dev/null");
  readonly #arena = new Uint8Array(ARENA_BYTES);
  readonly #arenaAt: number = ptr(this.#arena);
  readonly #argv = new BigUint64Array(MAX_ARGS + 1);
  readonly #envBytes: Uint8Array[];
  readonly #envp: BigUint64Array;
  readonly #pid = new Int32Array(1);
  readonly #encoder = new TextEncoder();
  #open = true;

  /** @param environment the children's whole environment, as `NAME=value` strings */
  constructor(environment: readonly string[]) {
    this.#envBytes = environment.map(cString);
    this.#envp = new BigUint64Array(Math.max(64, environment.length + 1));
    for (const [i, bytes] of this.#envBytes.entries()) this.#envp[i] = BigInt(ptr(bytes));

    const signals = new Uint8Array(128);
    must(libc().posix_spawnattr_init(this.#attr), "posix_spawnattr_init");
    must(libc().posix_spawn_file_actions_init(this.#actions), "posix_spawn_file_actions_init");
    libc().sigemptyset(signals);
    must(libc().posix_spawnattr_setsigmask(this.#attr, signals), "posix_spawnattr_setsigmask");
    // An ignored signal stays ignored across exec, and Bun ignores SIGPIPE.
    libc().sigfillset(signals);
    must(libc().posix_spawnattr_setsigdefault(this.#attr, signals), "posix_spawnattr_setsigdefault");
    must(
      libc().posix_spawnattr_setflags(this.#attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK),
      "posix_spawnattr_setflags",
    );
    must(libc().posix_spawn_file_actions_addopen(this.#actions, 0, this.#devNull, O_RDWR, 0), "addopen");
    must(libc().posix_spawn_file_actions_adddup2(this.#actions, 0, 1), "adddup2");
    must(libc().posix_spawn_file_actions_adddup2(this.#actions, 0, 2), "adddup2");
  }

  /**
   * Starts one program.
   *
   * @param argv all arguments including argv[0]; at most 64 KiB and 512 strings
   * @returns the child's pid, or the negative error number (`-11` for EAGAIN)
   */
  spawn(path: Uint8Array, argv: readonly string[]): number {
    if (!this.#open) throw new Error("spawner is closed");
    if (argv.length > MAX_ARGS) throw new RangeError(`${argv.length} arguments, at most ${MAX_ARGS}`);
    let used = 0;
    for (let i = 0; i < argv.length; i++) {
      const text = argv[i] ?? "";
      const { read: taken, written } = this.#encoder.encodeInto(text, this.#arena.subarray(used, ARENA_BYTES - 1));
      if (taken < text.length) throw new RangeError(`arguments exceed ${ARENA_BYTES} bytes`);
      this.#argv[i] = BigInt(this.#arenaAt + used);
      used += written;
      this.#arena[used++] = 0;
    }
    this.#argv[argv.length] = 0n;
    const error = libc().posix_spawn(this.#pid, path, this.#actions, this.#attr, this.#argv, this.#envp);
    return error === 0 ? (this.#pid[0] ?? 0) : -error;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    libc().posix_spawnattr_destroy(this.#attr);
    libc().posix_spawn_file_actions_destroy(this.#actions);
  }
}

/** A C string. Keep a reference to it as long as C may read it. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(`${text}\0`);
}

function must(error: number, call: string): void {
  if (error !== 0) throw new Error(`${call}: ${errnoName(error)}`);
}

/** struct epoll_event is packed only on x86-64 (include/uapi/linux/eventpoll.h). */
const EPOLL_EVENT_BYTES = process.arch === "x64" ? 12 : 16;
const EPOLL_DATA_AT = process.arch === "x64" ? 4 : 8;
const EPOLL_BATCH = 256;

/**
 * Reports immediately which of many children have ended, with a pidfd for each child in one epoll set. A child without
 * a pidfd (Linux before 5.3, or no free descriptor) is not watched: `add` returns false, and the caller must check the
 * child.
 */
export class ExitWatch implements Disposable {
  readonly #epoll: number;
  readonly #pidfds = new Map<number, number>();
  readonly #event = new Uint8Array(EPOLL_EVENT_BYTES);
  readonly #eventView = new DataView(this.#event.buffer);
  readonly #ready = new Uint8Array(EPOLL_EVENT_BYTES * EPOLL_BATCH);
  readonly #readyView = new DataView(this.#ready.buffer);
  /** struct pollfd: fd, then events and revents in one word. */
  readonly #poll = new Int32Array(4);
  #open = true;
  /** Whether more children may have ended than the last call of `ended` returned. */
  more = false;

  constructor() {
    this.#epoll = libc().epoll_create1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new Error(`epoll_create1: ${errnoName(lastErrno())}`);
  }

  /** Watches a child that is not reaped yet. Returns false if the child cannot be watched. */
  add(pid: number): boolean {
    const fd = systemCall("pidfd_open", pid);
    if (fd < 0) return false;
    this.#eventView.setUint32(0, EPOLLIN, true);
    this.#eventView.setUint32(EPOLL_DATA_AT, pid, true);
    if (libc().epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, this.#event) !== 0) {
      libc().close(fd);
      return false;
    }
    this.#pidfds.set(pid, fd);
    return true;
  }

  /** Closes the pidfd of a child, which also removes it from the epoll set. */
  remove(pid: number): void {
    const fd = this.#pidfds.get(pid);
    if (fd === undefined) return;
    this.#pidfds.delete(pid);
    libc().close(fd);
  }

  /**
   * Blocks this thread until a child ends, a signal arrives or `ns` have passed.
   *
   * @param inputFd a descriptor whose input also ends the wait; -1 for none
   * @returns whether the event loop has something to do: input, or a signal
   */
  wait(ns: number, inputFd = -1): boolean {
    if (!this.#open) throw new Error("exit watch is closed");
    this.#poll[0] = this.#epoll;
    this.#poll[1] = POLLIN;
    this.#poll[2] = inputFd;
    this.#poll[3] = POLLIN;
    setSleepSpec(ns);
    const ready = libc().ppoll(this.#poll, 2n, sleepSpec, null);
    return ready < 0 || (ready > 0 && (this.#poll[3] ?? 0) >>> 16 !== 0);
  }

  /** Writes the pids of watched children that have ended to `into`, and returns their number. Does not wait. */
  ended(into: Int32Array): number {
    if (!this.#open) throw new Error("exit watch is closed");
    const batch = Math.min(EPOLL_BATCH, into.length);
    const n = Math.max(0, libc().epoll_wait(this.#epoll, this.#ready, batch, 0));
    for (let i = 0; i < n; i++) into[i] = this.#readyView.getInt32(i * EPOLL_EVENT_BYTES + EPOLL_DATA_AT, true);
    this.more = n === batch;
    return n;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    for (const fd of this.#pidfds.values()) libc().close(fd);
    this.#pidfds.clear();
    libc().close(this.#epoll);
  }
}
