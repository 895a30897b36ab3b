import { BpfLink } from "../bpf/bpf-link.ts";
import { copyHashMap } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { type BpfObjectName, bpfObject } from "../bpf/embedded.ts";
import { IteratorReader } from "../bpf/iterator-reader.ts";
import { EVENT_SWEEP_END, SAMPLE_EVENT, SWEEP_END } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { Sampler, SamplerLimit, SamplerOptions, Sweep } from "./sampler.ts";
import { setSampleKnobs } from "./set-knobs.ts";

/** Name of the map with the last figures, the same in each object. */
const FIGURES = "last_samples";
/**
 * The map has room for `ROOM` times the current number of processes, but at least `MIN_ROOM`, because ended processes
 * keep entries.
 */
const ROOM = 4;
const MIN_ROOM = 8192;
/**
 * Highest fill of the map. A fuller map may lose figures of live processes, because the kernel hands out free entries
 * to CPUs by hundreds.
 */
const FULL = 1 / 2;

/**
 * Sampling by the BPF task iterator: the kernel side stores the last figures and returns only processes that changed.
 */
export class TaskIteratorSampler implements Sampler {
  readonly source = "task-iterator";
  readonly limit?: SamplerLimit;
  readonly #object: BpfObject;
  readonly #link: BpfLink;
  readonly #reader = new IteratorReader();
  readonly #record = new Record();
  readonly #sweep: Sweep = { processes: 0, leftOutThreads: 0, unkept: 0 };

  /** @throws BpfLoadError, NativeError if this kernel lacks the iterator or the kind of storage */
  private constructor(name: BpfObjectName, options: SamplerOptions, load: (object: BpfObject) => void, room?: number) {
    this.#object = BpfObject.open(name, bpfObject(name));
    try {
      setSampleKnobs(this.#object, options);
      load(this.#object);
      this.#link = BpfLink.attach(this.#object, "sample_processes");
    } catch (error) {
      this.#object.close();
      throw error;
    }
    if (room !== undefined) {
      const successor = (processes: number) => TaskIteratorSampler.withMap(processes, options, this.#object);
      this.limit = { processes: FULL * room, successor };
    }
    this.#record.attach(this.#reader.u32, this.#reader.u8);
  }

  /**
   * Stores the last figures in task storage, for kernels since 5.13.
   * @param former an object with task storage. The new object shares it, so the figures continue
   */
  static withTaskStorage(options: SamplerOptions = {}, former?: BpfObject): TaskIteratorSampler {
    return new TaskIteratorSampler("sample", options, (object) => {
      if (former) object.reuseMap(FIGURES, former.mapFd(FIGURES));
      object.load();
    });
  }

  /**
   * Stores the last figures in a map by pid.
   * @param processes the current number of processes; the map has room for several times as many
   * @param former an object with such a map. The new object gets a copy of the entries, so the figures continue
   */
  static withMap(processes: number, options: SamplerOptions = {}, former?: BpfObject): TaskIteratorSampler {
    const room = Math.max(MIN_ROOM, ROOM * processes);
    const load = (object: BpfObject) => {
      object.setMaxEntries(FIGURES, room);
      object.load();
      if (former) copyHashMap(former.map(FIGURES), object.map(FIGURES));
    };
    return new TaskIteratorSampler("sample-hash", options, load, room);
  }

  sweep(each: (record: Record) => void): Sweep {
    const record = this.#record;
    const isWhole = this.#reader.pass(this.#link, SAMPLE_EVENT.size, (at) => {
      record.seek(at, SAMPLE_EVENT.size);
      // After the last record, the read that would return nothing is not needed.
      if (record.u8(SAMPLE_EVENT.type) === EVENT_SWEEP_END) return true;
      each(record);
      return false;
    });
    if (!isWhole) throw new Error("the scan returned no end record");
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
