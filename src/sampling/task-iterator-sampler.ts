import { type BpfObjectName, bpfObject } from "../embedded.ts";
import { BpfLink } from "../libbpf/bpf-link.ts";
import { BpfObject } from "../libbpf/bpf-object.ts";
import { IteratorReader } from "../libbpf/iterator-reader.ts";
import { EVENT_SWEEP_END, SAMPLE_EVENT, SWEEP_END } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { Sampler, SamplerOptions, Sweep } from "./sampler.ts";
import { setSampleKnobs } from "./set-knobs.ts";

/** Sampling by the BPF task iterator: the kernel keeps the last figures and hands over only what changed. */
export class TaskIteratorSampler implements Sampler {
  readonly source = "task-iterator";
  readonly #object: BpfObject;
  readonly #link: BpfLink;
  readonly #reader = new IteratorReader();
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
    this.#record.attach(this.#reader.u32, this.#reader.u8);
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
    const isWhole = this.#reader.pass(this.#link, SAMPLE_EVENT.size, (at) => {
      record.seek(at, SAMPLE_EVENT.size);
      // Nothing comes behind it: a read that gives nothing need not be waited for.
      if (record.u8(SAMPLE_EVENT.type) === EVENT_SWEEP_END) return true;
      each(record);
      return false;
    });
    if (!isWhole) throw new Error("a sweep had no end");
    this.#sweep.processes = record.u64(SWEEP_END.processes);
    this.#sweep.leftOutThreads = record.u64(SWEEP_END.left_out_threads);
    this.#sweep.unkept = record.u64(SWEEP_END.unkept);
    return this.#sweep;
  }

  [Symbol.dispose](): void {
    this.#link.close();
    this.#object.close();
  }
}
