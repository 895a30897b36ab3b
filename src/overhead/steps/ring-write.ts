import { BpfLoadError } from "../../bpf/bpf-load-error.ts";
import { MappedArray } from "../../bpf/bpf-map.ts";
import { BpfObject } from "../../bpf/bpf-object.ts";
import { runOnCpu } from "../../bpf/cost-bpf.ts";
import { bpfObject } from "../../bpf/embedded.ts";
import { PerfEventRing } from "../../bpf/perf-event-ring.ts";
import { PerfRing } from "../../ring/perf-ring.ts";
import { onlineCpus } from "../../sys/cpus.ts";
import { NativeError } from "../../sys/errno.ts";
import { EXIT_EVENT, RING_WRITE_RUN } from "../../wire/layout.gen.ts";
import type { NotMeasured, RawBatches } from "../raw.ts";
import { runBatches } from "./batches.ts";

/** Size of the ring: enough for one batch, because the reader empties it after each. */
const RING_BYTES = 64 * 1024;
const BATCHES = 100;
const WARM_UP_MS = 5;

/** The ring does not have exactly the records that were written. */
export class RingWriteError extends Error {
  override readonly name = "RingWriteError";
}

/** Times writes to a ring like the collector's, on one CPU. Each record is as long as that of an exit. */
export async function timeRingWrites(signal: AbortSignal): Promise<RawBatches | NotMeasured> {
  try {
    using loops = new RingWriteLoops(onlineCpus()[0] ?? 0);
    const batches = await runBatches({
      run: (withStep) => loops.run(withStep),
      batches: BATCHES,
      warmUpMs: WARM_UP_MS,
      signal,
    });
    return { items: loops.records, bytes: EXIT_EVENT.size, batches };
  } catch (error) {
    if (REFUSALS.some((kind) => error instanceof kind)) return { not_measured: (error as Error).message };
    throw error;
  }
}

/** Errors that show that this kernel or machine does not allow the measurement. */
const REFUSALS = [BpfLoadError, NativeError, RingWriteError];

/** The loops of bpf/ring-write.bpf.c, and the ring that they write to. */
export class RingWriteLoops implements Disposable {
  readonly #cpu: number;
  readonly #object: BpfObject;
  readonly #event: PerfEventRing;
  readonly #ring: PerfRing;
  readonly #results: MappedArray;
  readonly #words: Uint32Array;
  readonly #stack: DisposableStack;

  /** @throws BpfLoadError or NativeError if the kernel refuses the programs or the ring */
  constructor(cpu: number) {
    using stack = new DisposableStack();
    this.#cpu = cpu;
    this.#object = stack.use(BpfObject.open("ring-write", bpfObject("ring-write")));
    this.#object.load();
    const sizes = { ringBytes: RING_BYTES, watermarkBytes: RING_BYTES };
    this.#event = stack.use(new PerfEventRing(this.#object.mapFd("timed_ring"), cpu, sizes));
    this.#ring = new PerfRing(this.#event.mapping);
    this.#results = stack.use(new MappedArray(this.#object.mapFd("ring_write_runs"), RING_WRITE_RUN.size));
    this.#words = new Uint32Array(this.#results.bytes);
    this.#stack = stack.move();
  }

  /** Records of one loop; 0 before the first run. */
  get records(): number {
    return this.#word(RING_WRITE_RUN.records);
  }

  /**
   * Runs one of the loops, and empties the ring.
   * @returns duration of the loop in the kernel, ns
   * @throws RingWriteError if the ring does not have exactly the written records
   */
  run(writes: boolean): number {
    runOnCpu(this.#object.programFd(writes ? "write_records" : "make_records"), this.#cpu);
    const found = this.#empty();
    const expected = writes ? this.records : 0;
    if (this.#word(RING_WRITE_RUN.is_refused) !== 0 || found !== expected || this.records === 0) {
      throw new RingWriteError(`the ring has ${found} of ${expected} records`);
    }
    return this.#word(RING_WRITE_RUN.elapsed_ns + 4) * 2 ** 32 + this.#word(RING_WRITE_RUN.elapsed_ns);
  }

  /** @returns the number of records that were there */
  #empty(): number {
    let found = 0;
    this.#ring.look();
    for (; this.#ring.find(); this.#ring.take()) found++;
    this.#ring.release();
    return found;
  }

  #word(offset: number): number {
    return this.#words[offset / 4] as number;
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
