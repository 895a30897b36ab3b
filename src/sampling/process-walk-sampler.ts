import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { BpfRun } from "../bpf/cost-bpf.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { SAMPLE_EVENT, WALK_REQUEST } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { Sampler, SamplerLimit, SamplerOptions, Sweep } from "./sampler.ts";
import { setSampleKnobs } from "./set-knobs.ts";
import { TaskIteratorSampler } from "./task-iterator-sampler.ts";
import { MAX_WALKED_PROCESSES } from "./walk-limit.ts";

/** The mapped records, see bpf/sample-walk.bpf.c. */
const MAPPED_BYTES = 128 * 1024;

/**
 * Sampling by a BPF program that walks the kernel's list of processes, for kernels since 6.7. A scan is one system
 * call, and the records are read in place. It suits machines with some thousand processes, because the kernel runs
 * nothing else on that CPU during the walk.
 */
export class ProcessWalkSampler implements Sampler {
  readonly source = "task-iterator";
  readonly sweepFds = 0;
  readonly limit?: SamplerLimit;
  readonly #object: BpfObject;
  readonly #records: MappedArray;
  readonly #run: BpfRun;
  readonly #request = new Uint8Array(WALK_REQUEST.size);
  readonly #requestView = new DataView(this.#request.buffer);
  readonly #record = new Record();
  readonly #sweep = { processes: 0, walked: 0, leftOutThreads: 0, unkept: 0 };
  /**
   * Number of the current scan, stored with the figures of each process. It starts so high that it never equals the
   * number of an iterator's scan.
   */
  #sweeps = 2 ** 32;

  /** @throws BpfLoadError, NativeError if this kernel does not support such a program */
  constructor(options: SamplerOptions = {}) {
    this.#object = BpfObject.open("sample-walk", bpfObject("sample-walk"));
    try {
      setSampleKnobs(this.#object, options);
      if (options.maxPlaces !== undefined) this.#object.setMaxEntries("ordered_samples", options.maxPlaces);
      this.#object.load();
      this.#run = new BpfRun(this.#object.programFd("sample_processes"), this.#request);
      this.#records = new MappedArray(this.#object.mapFd("records"), MAPPED_BYTES);
    } catch (error) {
      this.#object.close();
      throw error;
    }
    if (!options.walksAlways) {
      this.limit = {
        processes: MAX_WALKED_PROCESSES,
        successor: () => {
          new BpfRun(this.#object.programFd("store_samples"), this.#request).run();
          return TaskIteratorSampler.withTaskStorage(options, this.#object);
        },
      };
    }
    this.#record.attach(new Uint32Array(this.#records.bytes), new Uint8Array(this.#records.bytes));
  }

  sweep(each: (record: Record) => void): Sweep {
    const request = this.#requestView;
    const record = this.#record;
    request.setBigUint64(WALK_REQUEST.sweep, BigInt(++this.#sweeps), true);
    do {
      this.#run.run();
      const written = request.getUint32(WALK_REQUEST.records, true);
      for (let at = 0; at < written; at++) {
        record.seek(at * SAMPLE_EVENT.size, SAMPLE_EVENT.size);
        each(record);
      }
    } while (request.getUint32(WALK_REQUEST.is_full, true) !== 0);
    this.#sweep.processes = Number(request.getBigUint64(WALK_REQUEST.processes, true));
    this.#sweep.walked = Number(request.getBigUint64(WALK_REQUEST.walked, true));
    this.#sweep.leftOutThreads = Number(request.getBigUint64(WALK_REQUEST.left_out_threads, true));
    this.#sweep.unkept = Number(request.getBigUint64(WALK_REQUEST.unkept, true));
    return this.#sweep;
  }

  [Symbol.dispose](): void {
    this.#records.close();
    this.#object.close();
  }
}
