import { cannotRunError } from "../errors.ts";
import { TaskIterator } from "../process/task-iterator.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";

/** A process that the iterator has reported. */
interface Known {
  /** CLOCK_BOOTTIME, ns. Pid and start identify the process. */
  startNs: bigint;
  /** Number of the last scan that listed it. */
  pass: number;
}

/**
 * Like `NewProcesses`, for kernels before 6.7: the task iterator returns all processes, and this class finds the new
 * ones.
 */
export class NewOfIterator implements Disposable {
  readonly #lister: TaskIterator;
  readonly #known = new Map<number, Known>();
  #pass = 0;

  /** @throws LinnixError if this kernel has no task iterator that we may use */
  constructor() {
    try {
      this.#lister = new TaskIterator();
    } catch {
      throw cannotRunError("task-iterator", { what: "the BPF task iterator cannot be used here" });
    }
  }

  look(each: (pid: number, startNs: bigint) => void): number {
    const known = this.#known;
    const pass = ++this.#pass;
    let count = 0;
    this.#lister.list((record: Record) => {
      count += 1;
      // The iterator writes the pid in the pid namespace of the reader, which is this process.
      const pid = record.u32(PROCESS_EVENT.ns_pid);
      const startNs = record.big(PROCESS_EVENT.start_ns);
      const old = known.get(pid);
      if (old !== undefined && old.startNs === startNs) {
        old.pass = pass;
      } else {
        known.set(pid, { startNs, pass });
        each(pid, startNs);
      }
    });
    // A known process that was not listed has ended. If there are no more known processes than listed ones, none has.
    if (known.size > count) {
      for (const [pid, process] of known) if (process.pass !== pass) known.delete(pid);
    }
    return count;
  }

  [Symbol.dispose](): void {
    this.#lister[Symbol.dispose]();
  }
}
