import { closeSync, readSync } from "node:fs";
import { type BpfObjectName, bpfObject } from "../embedded.ts";
import { BpfLink, openIterator } from "../libbpf/bpf-link.ts";
import { BpfObject } from "../libbpf/bpf-object.ts";
import { EVENT_SWEEP_END, SAMPLE_EVENT, SWEEP_END } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { Sampler, SamplerOptions, Sweep } from "./sampler.ts";
import { setSampleKnobs } from "./set-knobs.ts";

/** The kernel hands over at most eight pages at a time (kernel/bpf/bpf_iter.c). */
const READ_BYTES = 64 * 1024;

/** Sampling by the BPF task iterator: the kernel keeps the last figures and hands over only what changed. */
export class TaskIteratorSampler implements Sampler {
  readonly source = "task-iterator";
  readonly #object: BpfObject;
  readonly #link: BpfLink;
  readonly #u8 = new Uint8Array(READ_BYTES);
  readonly #record = new Record();
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  /** @throws BpfLoadError, NativeError where this kernel has no such iterator, or no storage of that kind */
  private constructor(name: BpfObjectName, options: SamplerOptions, maxProcesses?: number) {
    this.#object = BpfObject.open(name, bpfObject(name));
    try {
      setSampleKnobs(this.#object, options);
      if (maxProcesses !== undefined) this.#object.setMaxEntries("last_samples", maxProcesses);
      this.#object.load();
      this.#link = BpfLink.attach(this.#object, "sample_processes");
    } catch (error) {
      this.#object.close();
      throw error;
    }
    this.#record.attach(new Uint32Array(this.#u8.buffer), this.#u8);
  }

  /** The last figures lie in storage of the task itself: kernels since 5.13. */
  static withTaskStorage(options: SamplerOptions = {}): TaskIteratorSampler {
    return new TaskIteratorSampler("sample", options);
  }

  /** The last figures lie in a map by pid. @param maxProcesses that it has room for */
  static withMap(maxProcesses: number, options: SamplerOptions = {}): TaskIteratorSampler {
    return new TaskIteratorSampler("sample-hash", options, maxProcesses);
  }

  sweep(each: (record: Record) => void): Sweep {
    const record = this.#record;
    const fd = openIterator(this.#link);
    try {
      let kept = 0;
      for (;;) {
        const got = this.#read(fd, kept);
        const end = kept + got;
        let at = 0;
        for (; at + SAMPLE_EVENT.size <= end; at += SAMPLE_EVENT.size) {
          record.seek(at, SAMPLE_EVENT.size);
          // Nothing comes behind it: a read that gives nothing need not be waited for.
          if (record.u8(SAMPLE_EVENT.type) === EVENT_SWEEP_END) return this.#end(record);
          each(record);
        }
        if (got === 0) throw new Error("a sweep had no end");
        // A record may be split between two reads.
        this.#u8.copyWithin(0, at, end);
        kept = end - at;
      }
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    this.#link.close();
    this.#object.close();
  }

  #read(fd: number, kept: number): number {
    for (;;) {
      try {
        return readSync(fd, this.#u8, kept, READ_BYTES - kept, null);
      } catch (error) {
        // After a million tasks without a word the kernel takes a breath.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
    }
  }

  #end(record: Record): Sweep {
    this.#sweep.processes = record.u64(SWEEP_END.processes);
    this.#sweep.leftOutThreads = record.u64(SWEEP_END.left_out_threads);
    this.#sweep.unkept = record.u64(SWEEP_END.unkept);
    return this.#sweep;
  }
}
