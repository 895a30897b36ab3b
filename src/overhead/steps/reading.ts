import { placeAt } from "../../cgroup/place.ts";
import { defaultSettings } from "../../config/print.ts";
import { WallClock } from "../../json/wall-clock.ts";
import { EventView } from "../../process/event-view.ts";
import { ProcessTable } from "../../process/table.ts";
import { PerfRing } from "../../ring/perf-ring.ts";
import { RingSet } from "../../ring/ring-set.ts";
import { JsonlSink } from "../../sinks/jsonl.ts";
import { boottimeNs, CLOCK, clockNs, realtimeOffsetNs } from "../../sys/clock.ts";
import { PROCESS_EVENT } from "../../wire/layout.gen.ts";
import type { Record } from "../../wire/record.ts";
import type { RawBatches } from "../raw.ts";
import { runBatches } from "./batches.ts";
import { MadeRing } from "./made-ring.ts";

const GATHER_BYTES = 64 * 1024;
/** Least time between two made processes. They live 2 ms, so the records of two processes do not overlap. */
const LEAST_INTERVAL_NS = 3e6;
const PLACE = placeAt("/system.slice/ssh.service");

export interface ReadingOptions {
  /** Processes a second: it sets the times of the made processes. */
  rate: number;
  warmUpMs: number;
  batches: number;
  signal: AbortSignal;
}

/** Times the collector's reader, with and without its encoder, over a ring that this process has filled. */
export async function timeReading({ rate, ...options }: ReadingOptions): Promise<RawBatches> {
  const reader = new MadeReader(rate);
  const batches = await runBatches({ run: (withStep) => reader.run(withStep), ...options });
  return { items: reader.records, bytes: null, batches };
}

/** The parts of a collector from the ring to the buffer of its output. */
export class MadeReader {
  readonly #ring: MadeRing;
  readonly #set: RingSet;
  readonly #table: ProcessTable;
  readonly #view: EventView;
  readonly #sink: JsonlSink;
  #encodes = false;

  /**
   * @param rate processes a second
   * @param written receives the encoded lines
   */
  constructor(rate: number, written: (lines: Uint8Array) => void = () => {}) {
    this.#ring = new MadeRing(boottimeNs(), Math.max(1e9 / rate, LEAST_INTERVAL_NS));
    const rings = [new PerfRing(this.#ring.mapping)];
    this.#set = new RingSet(rings, { timestampOffset: PROCESS_EVENT.ts_ns, now: boottimeNs });
    this.#table = new ProcessTable({ lingerNs: defaultSettings().retention.lingerMs * 1e6 });
    this.#view = new EventView(this.#table, new WallClock(realtimeOffsetNs()));
    this.#view.identity = { ofEvent: () => PLACE };
    this.#sink = new JsonlSink({
      gatherBytes: GATHER_BYTES,
      memory: (bytes) => new Uint8Array(bytes),
      writeFrom: (bytes, length) => {
        written(bytes.subarray(0, length));
        return false;
      },
    });
  }

  /** Records of one run. */
  get records(): number {
    return this.#ring.records;
  }

  /** Number of records that were read so far. */
  get received(): number {
    return this.#set.received;
  }

  /**
   * Fills the ring and reads it, and encodes each event if `encodes` is set.
   * @returns CPU time of this thread for reading and encoding, ns. It does not include other work on the machine
   */
  run(encodes: boolean): number {
    this.#ring.fill();
    this.#encodes = encodes;
    const beganNs = clockNs(CLOCK.threadCpu);
    this.#set.drainAll(this.#consume);
    this.#sink.flush();
    const ns = Number(clockNs(CLOCK.threadCpu) - beganNs);
    // Not timed: the collector also removes ended processes between its flushes.
    this.#table.expire(this.#ring.nowNs);
    return ns;
  }

  readonly #consume = (record: Record): void => {
    this.#view.accept(record);
    if (this.#encodes) this.#sink.write(this.#view);
  };
}
