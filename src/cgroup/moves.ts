import { BpfLink } from "../bpf/bpf-link.ts";
import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { textOf } from "../json/text.ts";
import { MOVE, MOVES } from "../wire/layout.gen.ts";

/** A process that was moved to another cgroup of a v1 hierarchy. */
export interface Move {
  pid: number;
  /** Halves of its start, ns of the boot-time clock. */
  startLow: number;
  startHigh: number;
  /** Number of the hierarchy, as in /proc/PID/cgroup. */
  hierarchy: number;
  /** From the root of that hierarchy; empty: it is too long. */
  path: string;
  /** When, ns of the boot-time clock. */
  tsNs: number;
}

/** The memory that the kernel side writes. A test can write it instead. */
export type MovesMemory = Pick<MappedArray, "bytes">;

/** Reads moves in their order, each once, from where the kernel side writes them down: no system call. */
export class MoveReader {
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  /** Of the next move. */
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

  /** The next one that happened at that time or before; undefined: there is none. */
  next(untilNs: number): Move | undefined {
    let at = this.#at(this.#number);
    let found = this.#u64(at + MOVE.number);
    while (found > this.#number) {
      // The kernel has gone round: on to the oldest that may still be there.
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
    // Stops if the kernel has begun to write another move there. The next call finds the remaining ones.
    if (this.#u64(at + MOVE.number) !== this.#number) return undefined;
    this.#number++;
    return move;
  }

  #at(number: number): number {
    return ((number - 1) % MOVES) * MOVE.size;
  }

  /** Not by Atomics.load: compiled, it writes (a compare-and-exchange), and this memory is read-only. */
  #u64(at: number): number {
    return (this.#u32[at / 4] as number) + (this.#u32[at / 4 + 1] as number) * 4294967296;
  }
}

/** The kernel side that writes moves down, with its reader. It costs nothing but when a process is moved. */
export class Moves implements Disposable {
  readonly reader: MoveReader;
  readonly #resources: DisposableStack;

  /** Undefined: not with this kernel, or not with these rights. */
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
