import { readFileSync } from "node:fs";
import { ProcScanner, type ScannedProcess } from "../procfs/proc-scanner.ts";
import { NS_PER_CLOCK_TICK, readProcIds, startNsOf } from "../procfs/proc-stat.ts";
import { boottimeNs } from "../sys/clock.ts";
import { pageBytes } from "../sys/page-size.ts";
import {
  COMM_LEN,
  EVENT_SAMPLE,
  FIRST_SEEN,
  KNOWN_EFFECTIVE,
  KNOWN_PPID,
  NO_CPU,
  SAMPLE_EVENT,
} from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import { RSS_THRESHOLD_BYTES, type Sampler, type SamplerOptions, type Sweep } from "./sampler.ts";

/** Maximum number of files of /proc that stay open; all others are opened at each scan. */
const MAX_KEPT_FDS = 512;

/** Size of a sample, rounded up to a power of two. */
const RECORD_BYTES = 128;

/** The figures of a process when it was last reported. */
interface Reported {
  startTicks: number;
  cpuTicks: number;
  rssPages: number;
}

/**
 * Sampling by the files of /proc, for kernels without the task iterator. It returns the same figures, but CPU and start
 * times are rounded to ticks of 10 ms, and a scan costs tens of times as much.
 */
export class ProcSampler implements Sampler {
  readonly source = "proc";
  readonly #pageBytes: number;
  readonly #thresholdPages: number;
  readonly #scanner = new ProcScanner("all", MAX_KEPT_FDS);
  readonly #reported = new WeakMap<ScannedProcess, Reported>();
  readonly #bytes = new Uint8Array(RECORD_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #record = new Record();
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  /** @param page page size in bytes: /proc counts memory in pages */
  constructor(options: SamplerOptions = {}, page = pageBytes()) {
    this.#pageBytes = page;
    this.#thresholdPages = (options.rssThresholdBytes ?? RSS_THRESHOLD_BYTES) / page;
    this.#record.attach(new Uint32Array(this.#bytes.buffer), this.#bytes);
    this.#record.seek(0, SAMPLE_EVENT.size);
  }

  sweep(each: (record: Record) => void): Sweep {
    this.#scanner.scan();
    this.#sweep.processes = 0;
    for (const process of this.#scanner.processes()) {
      if (process.isZombie && process.threads <= 1) continue;
      this.#sweep.processes++;
      this.#look(process, each);
    }
    return this.#sweep;
  }

  [Symbol.dispose](): void {
    this.#scanner[Symbol.dispose]();
  }

  #look(process: ScannedProcess, each: (record: Record) => void): void {
    const { startTicks, cpuTicks, rssPages } = process;
    let last = this.#reported.get(process);
    // If the file of a pid is not kept open, the pid can belong to another process by now.
    if (last?.startTicks !== startTicks) last = undefined;
    const hasMoved = last === undefined || Math.abs(rssPages - last.rssPages) > this.#thresholdPages;
    if (!hasMoved && cpuTicks <= (last?.cpuTicks ?? 0)) return;
    if (!this.#fill(process, last)) return;
    this.#reported.set(process, { startTicks, cpuTicks, rssPages });
    each(this.#record);
  }

  /** Writes the record. Returns false if the process has ended in the meantime. */
  #fill(process: ScannedProcess, last: Reported | undefined): boolean {
    const view = this.#view;
    const little = true;
    this.#bytes.fill(0);
    const ids = readProcIds(process.pid);
    if (ids === null) return false;
    view.setUint32(SAMPLE_EVENT.uid, ids.uid, little);
    view.setUint32(SAMPLE_EVENT.gid, ids.gid, little);
    view.setUint32(SAMPLE_EVENT.euid, ids.euid, little);
    view.setUint32(SAMPLE_EVENT.egid, ids.egid, little);
    try {
      const comm = readFileSync(`/proc/${process.pid}/comm`);
      // Without the newline.
      this.#bytes.set(comm.subarray(0, Math.min(comm.length - 1, COMM_LEN - 1)), SAMPLE_EVENT.comm);
    } catch {
      return false;
    }
    this.#bytes[SAMPLE_EVENT.type] = EVENT_SAMPLE;
    view.setUint16(SAMPLE_EVENT.cpu, NO_CPU, little);
    view.setUint32(SAMPLE_EVENT.pid, process.pid, little);
    view.setUint32(SAMPLE_EVENT.ppid, process.ppid, little);
    view.setBigUint64(SAMPLE_EVENT.ts_ns, BigInt(Math.round(boottimeNs())), little);
    // The start is rounded to a tick, so it is not flagged as known. It suffices to distinguish old processes from new
    // ones.
    view.setBigUint64(SAMPLE_EVENT.start_ns, BigInt(startNsOf(process.startTicks)), little);
    const ticks = process.cpuTicks - (last?.cpuTicks ?? 0);
    view.setBigUint64(SAMPLE_EVENT.runtime_ns, BigInt(Math.max(0, ticks) * NS_PER_CLOCK_TICK), little);
    const { userTicks, cpuTicks } = process;
    view.setBigUint64(SAMPLE_EVENT.utime_ns, BigInt(userTicks * NS_PER_CLOCK_TICK), little);
    view.setBigUint64(SAMPLE_EVENT.stime_ns, BigInt((cpuTicks - userTicks) * NS_PER_CLOCK_TICK), little);
    view.setBigUint64(SAMPLE_EVENT.rss_bytes, BigInt(process.rssPages * this.#pageBytes), little);
    view.setUint32(SAMPLE_EVENT.threads, process.threads, little);
    view.setUint32(SAMPLE_EVENT.known, KNOWN_PPID | KNOWN_EFFECTIVE | (last ? 0 : FIRST_SEEN), little);
    return true;
  }
}
