import { COMM_LEN } from "../wire/layout.gen.ts";

/** Initial and minimum capacity. A smaller table would save too little memory. */
export const MIN_CAPACITY = 1024;

type Column = Uint8Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/**
 * The data of each process in the process table: one typed array per fact, indexed by slot. Only the table writes here.
 */
export class TableColumns {
  readonly pid: Uint32Array;
  /** The parent according to the last record of the process. */
  readonly ppid: Uint32Array;
  /** The parent at the birth of the process. */
  readonly birthPpid: Uint32Array;
  readonly uid: Uint32Array;
  readonly gid: Uint32Array;
  readonly euid: Uint32Array;
  readonly egid: Uint32Array;
  readonly auid: Uint32Array;
  readonly flags: Uint8Array;
  readonly state: Uint8Array;
  readonly startLow: Uint32Array;
  readonly startHigh: Uint32Array;
  readonly cgroupLow: Uint32Array;
  readonly cgroupHigh: Uint32Array;
  /** When its fork was seen, CLOCK_BOOTTIME, ns; 0: the fork was not seen. */
  readonly bornNs: Float64Array;
  /** When it exited, CLOCK_BOOTTIME, ns, in two halves, because a double is not exact after 104 days. */
  readonly exitedLow: Uint32Array;
  readonly exitedHigh: Uint32Array;
  readonly exitStatus: Uint32Array;
  readonly comm: Uint8Array;
  readonly image: Int32Array;
  /** A number of the place store; 0: none. */
  readonly place: Uint32Array;
  /** Number of the scan that made its latest sample, from 1 on; 0: none. */
  readonly sweep: Uint32Array;
  /** % of one core; NaN: not known yet. */
  readonly cpuPct: Float32Array;
  readonly rssBytes: Float64Array;
  readonly threads: Uint32Array;
  /** Next of the same bucket, or next free slot. */
  readonly next: Int32Array;
  /** Next in the order of exit. */
  readonly nextExited: Int32Array;

  constructor(readonly capacity: number) {
    this.pid = new Uint32Array(capacity);
    this.ppid = new Uint32Array(capacity);
    this.birthPpid = new Uint32Array(capacity);
    this.uid = new Uint32Array(capacity);
    this.gid = new Uint32Array(capacity);
    this.euid = new Uint32Array(capacity);
    this.egid = new Uint32Array(capacity);
    this.auid = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.state = new Uint8Array(capacity);
    this.startLow = new Uint32Array(capacity);
    this.startHigh = new Uint32Array(capacity);
    this.cgroupLow = new Uint32Array(capacity);
    this.cgroupHigh = new Uint32Array(capacity);
    this.bornNs = new Float64Array(capacity);
    this.exitedLow = new Uint32Array(capacity);
    this.exitedHigh = new Uint32Array(capacity);
    this.exitStatus = new Uint32Array(capacity);
    this.comm = new Uint8Array(capacity * COMM_LEN);
    this.image = new Int32Array(capacity);
    this.place = new Uint32Array(capacity);
    this.sweep = new Uint32Array(capacity);
    this.cpuPct = new Float32Array(capacity);
    this.rssBytes = new Float64Array(capacity);
    this.threads = new Uint32Array(capacity);
    this.next = new Int32Array(capacity);
    this.nextExited = new Int32Array(capacity);
  }

  /** Every column, in the same order for all capacities. */
  all(): Column[] {
    return Object.values(this).filter((value): value is Column => ArrayBuffer.isView(value));
  }

  get bytes(): number {
    return this.all().reduce((sum, column) => sum + column.byteLength, 0);
  }

  /** A copy with a larger capacity, in which every slot has the same data. */
  grownTo(capacity: number): TableColumns {
    const grown = new TableColumns(capacity);
    const columns = this.all();
    for (const [i, column] of grown.all().entries()) column.set(columns[i] as never);
    return grown;
  }

  /** A copy with another capacity that contains only these slots, in this order, from slot 0 on. */
  compactedTo(capacity: number, slots: Int32Array): TableColumns {
    const compacted = new TableColumns(capacity);
    const columns = this.all();
    for (const [i, target] of compacted.all().entries()) {
      const source = columns[i] as Column;
      const width = target.length / capacity;
      for (let to = 0; to < slots.length; to++) {
        const from = (slots[to] as number) * width;
        for (let part = 0; part < width; part++) target[to * width + part] = source[from + part] as number;
      }
    }
    return compacted;
  }
}
