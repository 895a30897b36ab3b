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
/** Where the lifetimes begin. */
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
  /** 0: not known, or of all cgroups. */
  readonly cgroupId: bigint;
  /** Bytes, one a code unit; empty for a rest. */
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
   * @param at its first word in `words`
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
    // At once: a text that grows is a chain of as many objects.
    const comm = String.fromCharCode(...codes);
    const cgroupId = (BigInt(word(TOTALS.cgroup_id + 4)) << 32n) | BigInt(word(TOTALS.cgroup_id));
    return new Group(cgroupId, comm, word(TOTALS.kind), figures);
  }

  /** Two groups with the same key are one. */
  get key(): string {
    return keyOf(this.cgroupId, this.comm, this.kind);
  }

  get isEmpty(): boolean {
    return this.#figures.every((figure) => figure === 0);
  }

  /** Whether it is the rest of a cgroup, or of all: what had no place of its own. */
  get isOther(): boolean {
    return (this.kind & (TOTALS_OTHER | TOTALS_ALL)) !== 0;
  }

  /** Whether records report its processes as well. */
  get isBeside(): boolean {
    return (this.kind & TOTALS_BESIDE) !== 0;
  }

  /** Whether it is of kernel threads; known only where processes of all levels are added up. */
  get isKernel(): boolean {
    return (this.kind & TOTALS_KERNEL) !== 0;
  }

  /** Whether nothing is in it but what processes ran after their end was counted. */
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

  /** Processes that lived 2^(bucket + FIRST_LIFETIME_BUCKET) ns and more, and not twice as long. */
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

  /** CPU time of the processes that ended in it, ns. */
  get exitedCpuNs(): number {
    return this.figure("cpu_user_ns") + this.figure("cpu_system_ns");
  }

  /** Events that are in it. */
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

  /** Takes CPU time off, as far as there is any. */
  takeOff(userNs: number, systemNs: number): void {
    for (const [name, ns] of [
      ["cpu_user_ns", userNs],
      ["cpu_system_ns", systemNs],
    ] as const) {
      const place = NAMES.indexOf(name);
      this.#figures[place] = Math.max(0, (this.#figures[place] as number) - ns);
    }
  }

  /** Without CPU time: what ended in it ran before that was to be counted. */
  withoutCpu(): Group {
    const group = this.as(this.kind);
    for (const name of ["cpu_user_ns", "cpu_system_ns", "after_exit_ns"] as const)
      group.#figures[NAMES.indexOf(name)] = 0;
    return group;
  }

  /** What came since it was read as `before`; null if nothing did. */
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
