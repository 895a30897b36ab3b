/**
 * What is known of every spawn, a typed array for each fact: 80 bytes a spawn,
 * so that a million of them is no matter and nothing is allocated while the
 * workload runs. Times are ns since the run's origin.
 */
const LAYOUT = {
  pid: Int32Array,
  /** Index of the plan's command. */
  command: Uint8Array,
  /** What the arguments were made from besides the nonce. */
  variant: Uint8Array,
  dueNs: Float64Array,
  /** Just before and just after posix_spawn. */
  spawnedFromNs: Float64Array,
  spawnedByNs: Float64Array,
  /** The last look at which it was still running, and when it was reaped; 0 until then. */
  exitedFromNs: Float64Array,
  exitedByNs: Float64Array,
  /** Wait status; -1: it has not been reaped. */
  status: Int32Array,
  /** 1: killed by the spawner. */
  killed: Uint8Array,
  userUs: Uint32Array,
  systemUs: Uint32Array,
  maxRssKib: Uint32Array,
  minorFaults: Uint32Array,
  majorFaults: Uint32Array,
} as const;

export type ColumnName = keyof typeof LAYOUT;
export const COLUMN_NAMES = Object.keys(LAYOUT) as ColumnName[];
/** Rows of every column, as numbers: how they travel. */
export type ColumnRows = Record<ColumnName, number[]>;

type Arrays = { [Name in ColumnName]: InstanceType<(typeof LAYOUT)[Name]> };

/** The status of a process that has not been reaped. */
export const NOT_REAPED = -1;

function make(capacity: number): Arrays {
  return Object.fromEntries(COLUMN_NAMES.map((name) => [name, new LAYOUT[name](capacity)])) as Arrays;
}

/** The columns, growing as rows are added. */
export class TruthColumns {
  #arrays: Arrays;
  #length = 0;
  #capacity: number;

  /** @param expected rows to make room for at the start: growing later copies everything, which takes milliseconds */
  constructor(expected: number) {
    this.#capacity = Math.max(1024, Math.ceil(expected));
    this.#arrays = make(this.#capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The present arrays; another call of `add` may replace them. */
  get arrays(): Readonly<Arrays> {
    return this.#arrays;
  }

  get(name: ColumnName, row: number): number {
    return this.#arrays[name][row] as number;
  }

  /** Adds an empty row, not reaped yet; gives its index. */
  add(): number {
    if (this.#length === this.#capacity) this.#grow(this.#capacity * 2);
    const row = this.#length++;
    this.#arrays.status[row] = NOT_REAPED;
    return row;
  }

  /** Rows `from` … `to` − 1. */
  rows(from: number, to: number): ColumnRows {
    const entries = COLUMN_NAMES.map((name) => [name, Array.from(this.#arrays[name].subarray(from, to))]);
    return Object.fromEntries(entries) as ColumnRows;
  }

  /** Adds rows as `rows` gave them. */
  append(rows: ColumnRows): void {
    const needed = this.#length + rows.pid.length;
    if (needed > this.#capacity) this.#grow(Math.max(needed, this.#capacity * 2));
    for (const name of COLUMN_NAMES) this.#arrays[name].set(rows[name], this.#length);
    this.#length = needed;
  }

  #grow(capacity: number): void {
    const larger = make(capacity);
    for (const name of COLUMN_NAMES) larger[name].set(this.#arrays[name].subarray(0, this.#length));
    this.#arrays = larger;
    this.#capacity = capacity;
  }
}
