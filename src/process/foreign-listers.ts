/** Listers for a pid namespace other than the initial one, where the task iterator does not list every process. */
import { PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import type { ProcessLister } from "./process-lister.ts";

/**
 * Lists the processes of this namespace. A process is known to be gone only if the list before the last contained it.
 */
export class NamespaceLister implements ProcessLister {
  readonly source = "task-iterator";
  readonly #iterator: ProcessLister;
  /** Starts by pid, of the last list and of the one before. */
  #latest = new Map<number, number>();
  #former = new Map<number, number>();

  /** @param iterator is closed together with this lister */
  constructor(iterator: ProcessLister) {
    this.#iterator = iterator;
  }

  list(each: (record: Record) => void): void {
    const latest = new Map<number, number>();
    this.#iterator.list((record) => {
      latest.set(record.u32(PROCESS_EVENT.pid), record.u64(PROCESS_EVENT.start_ns));
      each(record);
    });
    this.#former = this.#latest;
    this.#latest = latest;
  }

  mayHide(pid: number, startNs: number): boolean {
    return this.#former.get(pid) !== startNs;
  }

  [Symbol.dispose](): void {
    this.#iterator[Symbol.dispose]();
  }
}

/** Lists nothing, because this kernel has no iterator and the pids in /proc are not the kernel's pids. */
export class NoLister implements ProcessLister {
  readonly source = "none";

  list(): void {}

  mayHide(): boolean {
    return true;
  }

  [Symbol.dispose](): void {}
}
