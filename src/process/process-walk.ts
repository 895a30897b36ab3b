import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { BpfRun } from "../bpf/cost-bpf.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { LOOK_ANSWER, PROCESS_EVENT } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { ProcessLister } from "./process-lister.ts";

/**
 * The size of the first map, for 1,820 processes. If there are more, a larger one replaces it. Each size is a power of
 * two.
 */
const FIRST_BYTES = 128 * 1024;
/** For 3.7 million processes; PID_MAX_LIMIT is 4 million, including threads. */
const MOST_BYTES = 256 * 1024 * 1024;

/** A loaded program and the records that it writes. */
class Walk implements Disposable {
  readonly bytes: number;
  /** Number of records that fit into `bytes`. */
  readonly capacity: number;
  readonly record = new Record();
  readonly #object: BpfObject;
  readonly #records: MappedArray;
  readonly #run: BpfRun;
  readonly #answer = new Uint8Array(LOOK_ANSWER.size);
  readonly #words = new Uint32Array(this.#answer.buffer);

  /** @throws BpfLoadError, NativeError if this kernel does not let a program walk */
  constructor(bytes: number) {
    this.bytes = bytes;
    this.capacity = Math.floor(bytes / PROCESS_EVENT.size);
    this.#object = BpfObject.open("tasks-walk", bpfObject("tasks-walk"));
    try {
      this.#object.setMaxEntries("records", this.capacity + 1);
      this.#object.load();
      this.#run = new BpfRun(this.#object.programFd("walk_processes"), this.#answer);
      this.#records = new MappedArray(this.#object.mapFd("records"), bytes);
    } catch (error) {
      this.#object.close();
      throw error;
    }
    this.record.attach(new Uint32Array(this.#records.bytes), new Uint8Array(this.#records.bytes));
  }

  /** Lists the processes. Returns the number of live processes; if it exceeds `capacity`, the others have no record. */
  run(): number {
    this.#run.run();
    return this.#words[LOOK_ANSWER.processes / 4] as number;
  }

  [Symbol.dispose](): void {
    this.#records.close();
    this.#object.close();
  }
}

/**
 * Lists every process of the machine, from any pid namespace, on Linux 6.7 or later. The program follows the kernel's
 * own list of tasks, whereas the task iterator lists the processes of the reader's namespace.
 */
export class ProcessWalk implements ProcessLister {
  readonly source = "task-iterator";
  #walk: Walk;
  #isWhole = true;

  /** @throws BpfLoadError, NativeError if this kernel does not let a program walk */
  constructor(bytes = FIRST_BYTES) {
    this.#walk = new Walk(bytes);
  }

  list(each: (record: Record) => void): void {
    let processes = this.#walk.run();
    while (processes > this.#walk.capacity && this.#grow(processes)) processes = this.#walk.run();
    const { capacity, record } = this.#walk;
    this.#isWhole = processes <= capacity;
    for (let at = 0; at < Math.min(processes, capacity); at++) {
      record.seek(at * PROCESS_EVENT.size, PROCESS_EVENT.size);
      each(record);
    }
  }

  /**
   * Some kernels hide process 1 from BPF programs; it never ends. The last list lacks other live processes only if
   * there were more than the map holds, and linnix could not load a larger map.
   */
  mayHide(pid: number): boolean {
    return pid === 1 || !this.#isWhole;
  }

  [Symbol.dispose](): void {
    this.#walk[Symbol.dispose]();
  }

  /**
   * Replaces the map by a map for at least 1.5 times `processes`. Returns false if a larger map is not possible, for
   * example after linnix has given up root.
   */
  #grow(processes: number): boolean {
    const bytes = 2 ** Math.ceil(Math.log2(processes * 1.5 * PROCESS_EVENT.size));
    if (bytes > MOST_BYTES) return false;
    try {
      const larger = new Walk(bytes);
      this.#walk[Symbol.dispose]();
      this.#walk = larger;
      return true;
    } catch {
      return false;
    }
  }
}
