import {
  LIFETIME_BUCKETS,
  TOTALS,
  TOTALS_ALL,
  TOTALS_BESIDE,
  TOTALS_KERNEL,
  TOTALS_OTHER,
} from "../wire/layout.gen.ts";

/** Figures of 64 bits, then those of 32, then the lifetimes: `Group.figures` has them in this order. */
const WIDE = [
  "cpu_user_ns",
  "cpu_system_ns",
  "read_bytes",
  "write_bytes",
  "peak_rss_bytes",
  "lifetime_ns",
  "after_exit_ns",
] as const;
const NARROW = ["started", "execs", "exited_ok", "exited_error", "exited_signal", "exited_unknown"] as const;

type FigureName = (typeof WIDE)[number] | (typeof NARROW)[number];

const NAMES: readonly FigureName[] = [...WIDE, ...NARROW];
const PEAK = NAMES.indexOf("peak_rss_bytes");
/** Index of the first lifetime in `Group.figures`. */
const LIFETIMES = NAMES.length;
const FIGURES = LIFETIMES + LIFETIME_BUCKETS;
/** 32-bit words of a struct totals. */
export const TOTALS_WORDS = TOTALS.size / 4;

/** Bytes of the name that is being read. */
const codes: number[] = [];

/**
 * What happened in a group of processes: the processes of one cgroup with the same name, the rest of a cgroup, or the
 * rest of all cgroups.
 */
export class Group {
  /** 0 if unknown, or if the group is the rest of all cgroups. */
  readonly cgroupId: bigint;
  /** The name, each byte as one code unit; empty for a rest. */
  readonly comm: string;
  /** enum totals_kind */
  readonly kind: number;
  readonly #figures: Float64Array;

  constructor(cgroupId: bigint, comm: string, kind: number, figures = new Float64Array(FIGURES)) {
    this.cgroupId = cgroupId;
    this.comm = comm;
    this.kind = kind;
    this.#figures = figures;
  }

  /**
   * Copies a struct totals.
   * @param at index of its first word in `words`
   */
  static read(words: Uint32Array, at: number): Group {
    const word = (offset: number) => words[at + offset / 4] as number;
    const figures = new Float64Array(FIGURES);
    let place = 0;
    for (const name of WIDE) figures[place++] = word(TOTALS[name] + 4) * 2 ** 32 + word(TOTALS[name]);
    for (const name of NARROW) figures[place++] = word(TOTALS[name]);
    const lifetimes = at + TOTALS.lifetimes / 4;
    for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) figures[place++] = words[lifetimes + bucket] as number;
    codes.length = 0;
    for (let byte = 0; byte < TOTALS.comm_len; byte++) {
      const code = (word(TOTALS.comm + (byte & ~3)) >>> (8 * (byte & 3))) & 0xff;
      if (code === 0) break;
      codes.push(code);
    }
    // One call for all bytes: a string that grows by concatenation is a chain of objects.
    const comm = String.fromCharCode(...codes);
    const cgroupId = (BigInt(word(TOTALS.cgroup_id + 4)) << 32n) | BigInt(word(TOTALS.cgroup_id));
    return new Group(cgroupId, comm, word(TOTALS.kind), figures);
  }

  /** Groups with the same key are the same group. */
  get key(): string {
    return keyOf(this.cgroupId, this.comm, this.kind);
  }

  get isEmpty(): boolean {
    return this.#figures.every((figure) => figure === 0);
  }

  /** Whether it is the rest of a cgroup or of all cgroups: groups without a place of their own. */
  get isOther(): boolean {
    return (this.kind & (TOTALS_OTHER | TOTALS_ALL)) !== 0;
  }

  /** Whether other records report its processes as well. */
  get isBeside(): boolean {
    return (this.kind & TOTALS_BESIDE) !== 0;
  }

  /** Whether it consists of kernel threads; only known if processes of all levels are added up. */
  get isKernel(): boolean {
    return (this.kind & TOTALS_KERNEL) !== 0;
  }

  /** Whether its only figure is the CPU time that processes used after their end was counted. */
  get hasOnlyAfterExit(): boolean {
    const at = NAMES.indexOf("after_exit_ns");
    return this.#figures.every((figure, place) => figure === 0 || place === at);
  }

  /** The same figures as another kind. */
  as(kind: number): Group {
    return new Group(this.cgroupId, this.comm, kind, this.#figures.slice());
  }

  figure(name: FigureName): number {
    return this.#figures[NAMES.indexOf(name)] as number;
  }

  /** Number of processes that lived at least 2^(bucket + FIRST_LIFETIME_BUCKET) ns and less than twice that. */
  lifetimes(bucket: number): number {
    return this.#figures[LIFETIMES + bucket] as number;
  }

  get exited(): number {
    return (
      this.figure("exited_ok") +
      this.figure("exited_error") +
      this.figure("exited_signal") +
      this.figure("exited_unknown")
    );
  }

  /** CPU time of the ended processes, ns. */
  get exitedCpuNs(): number {
    return this.figure("cpu_user_ns") + this.figure("cpu_system_ns");
  }

  /** Number of forks, execs and exits. */
  get events(): number {
    return this.figure("started") + this.figure("execs") + this.exited;
  }

  add(other: Group): void {
    for (let place = 0; place < FIGURES; place++) {
      const figure = other.#figures[place] as number;
      if (place === PEAK) this.#figures[place] = Math.max(this.#figures[place] as number, figure);
      else this.#figures[place] = (this.#figures[place] as number) + figure;
    }
  }

  /** Subtracts CPU time, but not below 0. */
  takeOff(userNs: number, systemNs: number): void {
    for (const [name, ns] of [
      ["cpu_user_ns", userNs],
      ["cpu_system_ns", systemNs],
    ] as const) {
      const place = NAMES.indexOf(name);
      this.#figures[place] = Math.max(0, (this.#figures[place] as number) - ns);
    }
  }

  /** A copy without CPU time, which ended processes used before the reader started to count. */
  withoutCpu(): Group {
    const group = this.as(this.kind);
    for (const name of ["cpu_user_ns", "cpu_system_ns", "after_exit_ns"] as const)
      group.#figures[NAMES.indexOf(name)] = 0;
    return group;
  }

  /** What was added since the group was read as `before`; null if nothing. */
  since(before: Group): Group | null {
    const figures = new Float64Array(FIGURES);
    let isSame = true;
    for (let place = 0; place < FIGURES; place++) {
      const figure = this.#figures[place] as number;
      const was = before.#figures[place] as number;
      if (figure !== was) isSame = false;
      figures[place] = place === PEAK ? figure : figure - was;
    }
    return isSame ? null : new Group(this.cgroupId, this.comm, this.kind, figures);
  }
}

export function keyOf(cgroupId: bigint, comm: string, kind = 0): string {
  return `${kind}/${cgroupId}/${comm}`;
}
