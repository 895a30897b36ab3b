import { MappedArray } from "../bpf/bpf-map.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { BpfRun } from "../bpf/cost-bpf.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { LOOK_ANSWER, NEW_PROCESS } from "../wire/layout.gen.ts";

/** Size of the mapped array with the new processes, see bpf/new-processes.bpf.c. */
const MAPPED_BYTES = 64 * 1024;

/**
 * Scans all processes with a BPF program that walks the kernel's list itself, for kernels since 6.7. A scan is one
 * system call, or more if there are many new processes. The program remembers which processes it has reported, and
 * writes only new ones to the mapped array.
 */
export class NewProcesses implements Disposable {
  readonly #object: BpfObject;
  readonly #run: BpfRun;
  readonly #new: MappedArray;
  readonly #newWords: Uint32Array;
  readonly #answer = new Uint8Array(LOOK_ANSWER.size);
  readonly #answerWords = new Uint32Array(this.#answer.buffer);

  /** @throws BpfLoadError, NativeError if programs cannot walk the list on this kernel */
  constructor() {
    this.#object = BpfObject.open("new-processes", bpfObject("new-processes"));
    try {
      this.#object.load();
      this.#run = new BpfRun(this.#object.programFd("look"), this.#answer);
      this.#new = new MappedArray(this.#object.mapFd("new_processes"), MAPPED_BYTES);
    } catch (error) {
      this.#object.close();
      throw error;
    }
    this.#newWords = new Uint32Array(this.#new.bytes);
  }

  look(each: (pid: number, startNs: bigint) => void): number {
    const answer = this.#answerWords;
    const words = this.#newWords;
    do {
      this.#run.run();
      const written = answer[LOOK_ANSWER.written / 4] as number;
      for (let record = 0; record < written; record++) {
        const at = (record * NEW_PROCESS.size) / 4;
        const start = at + NEW_PROCESS.start_ns / 4;
        const startNs = (BigInt(words[start + 1] as number) << 32n) | BigInt(words[start] as number);
        const pid = words[at + NEW_PROCESS.pid / 4] as number;
        // A process outside this pid namespace has pid 0.
        if (pid !== 0) each(pid, startNs);
      }
    } while (answer[LOOK_ANSWER.is_full / 4] !== 0);
    const processes = answer[LOOK_ANSWER.processes / 4] as number;
    // Task storage fails for all processes on x86-64 without cmpxchg16b.
    if (answer[LOOK_ANSWER.unkept / 4] === processes) throw new Error("this kernel has no room for storage of tasks");
    return processes;
  }

  [Symbol.dispose](): void {
    this.#new.close();
    this.#object.close();
  }
}
