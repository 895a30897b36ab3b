/**
 * Lists the live processes, each in the record format of the kernel side. The source is the best that the kernel
 * offers: the task iterator (completed from /proc), a walk over all tasks, or /proc alone.
 */
import { readdirSync } from "node:fs";
import { hasKernelPids, pidNamespace } from "../procfs/pid-namespace.ts";
import { NS_PER_CLOCK_TICK, type ProcIds, readProcIds, readProcStat, startNsOf } from "../procfs/proc-stat.ts";
import { exists, hidesProcesses } from "../procfs/proc-visibility.ts";
import { boottimeNs } from "../sys/clock.ts";
import { NativeError } from "../sys/errno.ts";
import { KNOWN_EFFECTIVE, KNOWN_PPID, PROCESS_EVENT } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import { NamespaceLister, NoLister } from "./foreign-listers.ts";
import type { ProcessLister } from "./process-lister.ts";
import { ProcessWalk } from "./process-walk.ts";
import { TaskIterator } from "./task-iterator.ts";

/** The size of a `process_event`, rounded up to a power of two. */
const RECORD_BYTES = 128;

/** Lists processes from /proc. Its start times are exact only to the tick, so the records have no start time. */
class ProcScan implements ProcessLister {
  readonly source = "proc";
  readonly #bytes = new Uint8Array(RECORD_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #record = new Record();

  constructor() {
    this.#record.attach(new Uint32Array(this.#bytes.buffer), this.#bytes);
    this.#record.seek(0, PROCESS_EVENT.size);
  }

  list(each: (record: Record) => void): void {
    for (const pid of this.pids()) this.report(pid, each);
  }

  /** All pids in /proc, zombies included. */
  pids(): number[] {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  }

  /** Reports one process. Returns false if it has ended, or started at `bornBeforeNs` or later. */
  report(pid: number, each: (record: Record) => void, bornBeforeNs = Number.POSITIVE_INFINITY): boolean {
    const stat = readProcStat(pid);
    if (stat === null || startNsOf(stat.startTicks) >= bornBeforeNs) return false;
    // If the leader exits before other threads, it stays a zombie and counts as a thread until the process ends.
    if ((stat.state === "Z" || stat.state === "X") && stat.threads <= 1) return false;
    const ids = readProcIds(pid);
    if (ids === null) return false; // gone while we looked
    this.#fill(pid, stat.ppid, ids, Buffer.from(stat.comm, "latin1"));
    each(this.#record);
    return true;
  }

  #fill(pid: number, ppid: number, { uid, gid, euid, egid }: ProcIds, comm: Uint8Array): void {
    const little = true;
    this.#bytes.fill(0);
    this.#view.setUint32(PROCESS_EVENT.known, KNOWN_PPID | KNOWN_EFFECTIVE, little);
    this.#view.setUint32(PROCESS_EVENT.pid, pid, little);
    this.#view.setUint32(PROCESS_EVENT.ppid, ppid, little);
    this.#view.setUint32(PROCESS_EVENT.uid, uid, little);
    this.#view.setUint32(PROCESS_EVENT.gid, gid, little);
    this.#view.setUint32(PROCESS_EVENT.euid, euid, little);
    this.#view.setUint32(PROCESS_EVENT.egid, egid, little);
    this.#bytes.set(comm.subarray(0, PROCESS_EVENT.comm_len - 1), PROCESS_EVENT.comm);
  }

  mayHide(pid: number): boolean {
    return hidesProcesses() && (!pidNamespace().isInitial || exists(pid));
  }

  [Symbol.dispose](): void {}
}

/**
 * Lists processes by the iterator, and adds from /proc the processes that the iterator leaves out: some kernels hide
 * process 1 from BPF programs. Once the kernel refuses the iterator, this lister uses only /proc. Kernels before 5.19
 * refuse it after linnix has given up root, if `kernel.unprivileged_bpf_disabled` is set.
 */
class CompletedIterator implements ProcessLister {
  readonly #iterator: ProcessLister;
  readonly #proc = new ProcScan();
  #isRefused = false;
  /** Pids that the iterator never returned. Computed once, because listing /proc takes as long as the pass itself. */
  #leftOut: Set<number> | undefined;

  /** @param iterator is closed together with this lister */
  constructor(iterator: ProcessLister) {
    this.#iterator = iterator;
  }

  get source(): ProcessLister["source"] {
    return this.#isRefused ? "proc" : "task-iterator";
  }

  list(each: (record: Record) => void): void {
    if (!this.#isRefused) {
      try {
        this.#listBoth(each);
        return;
      } catch (error) {
        if (!isRefusal(error) || !hasKernelPids()) throw error;
        this.#isRefused = true;
      }
    }
    this.#proc.list(each);
  }

  mayHide(pid: number): boolean {
    return this.#isRefused && this.#proc.mayHide(pid);
  }

  #listBoth(each: (record: Record) => void): void {
    // Read before the pass, because every process that is born later has its own event.
    this.#leftOut ??= new Set(hasKernelPids() ? this.#proc.pids() : []);
    const leftOut = this.#leftOut;
    const nowNs = boottimeNs();
    this.#iterator.list((record) => {
      leftOut.delete(record.u32(PROCESS_EVENT.pid));
      each(record);
    });
    // Most of these are zombies, or have ended meanwhile, and their pids may belong to other processes by now.
    for (const pid of leftOut) {
      if (!this.#proc.report(pid, each, nowNs - NS_PER_CLOCK_TICK)) leftOut.delete(pid);
    }
  }

  [Symbol.dispose](): void {
    this.#iterator[Symbol.dispose]();
  }
}

/** Whether the error means that the kernel refuses to list processes, and does not come from the caller's function. */
function isRefusal(error: unknown): boolean {
  return error instanceof NativeError && (error.code === "EPERM" || error.code === "EACCES");
}

type Open = () => ProcessLister;

/**
 * The best lister that this kernel offers in this pid namespace.
 * @param iterate lists the processes of this namespace; throws if the kernel has no such iterator
 * @param walk lists every process; throws if the kernel does not let a program walk over all tasks
 */
export function openProcessLister(
  iterate: Open = () => new TaskIterator(),
  walk: Open = () => new ProcessWalk(),
  namespace = pidNamespace(),
): ProcessLister {
  if (namespace.isInitial) return opened(() => new CompletedIterator(iterate())) ?? new ProcScan();
  const whole = opened(walk) ?? (namespace.proc === "initial" ? new ProcScan() : undefined);
  return whole ?? opened(() => new NamespaceLister(iterate())) ?? new NoLister();
}

function opened(open: Open): ProcessLister | undefined {
  try {
    return open();
  } catch {
    return undefined;
  }
}
