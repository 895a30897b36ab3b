/**
 * The facts of every spawn, a typed array for each: 71 bytes a spawn. If the
 * arrays have their final size from the start, nothing is allocated for them
 * while the workload runs. Times are ns since the run's origin.
 */
const LAYOUT = {
  pid: Int32Array,
  /** Index of the plan's command. */
  command: Uint8Array,
  /** Random number that selects among the arguments of the command. */
  variant: Uint8Array,
  dueNs: Float64Array,
  /** Just before and just after posix_spawn. */
  spawnedFromNs: Float64Array,
  spawnedByNs: Float64Array,
  /** When the spawner last saw it running, and when it was reaped; both 0 until it is reaped. */
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
/** Rows of every column, as numbers, in the form of the protocol. */
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

  /** @param expected rows to allocate at the start. To grow later copies all arrays, which takes milliseconds */
  constructor(expected: number) {
    this.#capacity = Math.max(1024, Math.ceil(expected));
    this.#arrays = make(this.#capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** The current arrays; the next call of `add` or `append` may replace them. */
  get arrays(): Readonly<Arrays> {
    return this.#arrays;
  }

  get(name: ColumnName, row: number): number {
    return this.#arrays[name][row] as number;
  }

  /** Adds a row of a process that is not reaped. @returns its index */
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

  /** Adds rows in the form that `rows` returns. */
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
