import { BpfLink } from "../bpf/bpf-link.ts";
import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { textOf } from "../json/text.ts";
import { MOVE, MOVES } from "../wire/layout.gen.ts";

/** The move of a process to another cgroup of a v1 hierarchy. */
export interface Move {
  pid: number;
  /** Low and high 32 bits of the process's start, ns of the boot-time clock. */
  startLow: number;
  startHigh: number;
  /** Number of the hierarchy, as in /proc/PID/cgroup. */
  hierarchy: number;
  /** New path from the root of that hierarchy; empty if it is too long. */
  path: string;
  /** Time of the move, ns of the boot-time clock. */
  tsNs: number;
}

/** The memory that the kernel side writes. A test can write it instead. */
export type MovesMemory = Pick<MappedArray, "bytes">;

/** Reads each move once and in order from memory that the kernel side writes, without a system call. */
export class MoveReader {
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  /** Number of the next move. */
  #number = 1;
  #lost = 0;

  constructor({ bytes }: MovesMemory) {
    this.#u8 = new Uint8Array(bytes);
    this.#u32 = new Uint32Array(bytes);
  }

  /** Moves that were overwritten before they were read. */
  get lost(): number {
    return this.#lost;
  }

  /** The next move, if it happened at or before that time, and undefined otherwise. */
  next(untilNs: number): Move | undefined {
    let at = this.#at(this.#number);
    let found = this.#u64(at + MOVE.number);
    while (found > this.#number) {
      // The kernel side has overwritten this move: continue with the oldest one that may still exist.
      this.#lost += found - MOVES + 1 - this.#number;
      this.#number = found - MOVES + 1;
      at = this.#at(this.#number);
      found = this.#u64(at + MOVE.number);
    }
    if (found !== this.#number) return undefined;
    const tsNs = this.#u64(at + MOVE.ts_ns);
    if (tsNs > untilNs) return undefined;
    const move: Move = {
      pid: this.#u32[(at + MOVE.pid) / 4] as number,
      startLow: this.#u32[(at + MOVE.start_ns) / 4] as number,
      startHigh: this.#u32[(at + MOVE.start_ns) / 4 + 1] as number,
      hierarchy: this.#u32[(at + MOVE.hierarchy) / 4] as number,
      path: textOf(this.#u8.slice(at + MOVE.path, at + MOVE.path + MOVE.path_len)),
      tsNs,
    };
    // Discard the move if the kernel side has begun to overwrite it. The next call continues with the oldest remaining
    // one.
    if (this.#u64(at + MOVE.number) !== this.#number) return undefined;
    this.#number++;
    return move;
  }

  #at(number: number): number {
    return ((number - 1) % MOVES) * MOVE.size;
  }

  /** Not Atomics.load(): this memory is read-only, and compiled code of that function writes (compare-and-exchange). */
  #u64(at: number): number {
    return (this.#u32[at / 4] as number) + (this.#u32[at / 4 + 1] as number) * 4294967296;
  }
}

/**
 * The BPF program that records moves, and the reader of the moves. The program costs time only when a process moves.
 */
export class Moves implements Disposable {
  readonly reader: MoveReader;
  readonly #resources: DisposableStack;

  /** Undefined if the kernel does not support it or this process lacks the privileges. */
  static open(): Moves | undefined {
    try {
      return new Moves();
    } catch {
      return undefined;
    }
  }

  private constructor() {
    using resources = new DisposableStack();
    const object = resources.use(BpfObject.open("moves", bpfObject("moves")));
    object.load();
    this.reader = new MoveReader(resources.use(new MappedArray(object.mapFd("moves"), MOVES * MOVE.size)));
    resources.use(BpfLink.attach(object, "handle_cgroup_attach_task"));
    this.#resources = resources.move();
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}
