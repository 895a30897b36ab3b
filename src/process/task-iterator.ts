import { BpfLink } from "../bpf/bpf-link.ts";
import { BpfObject } from "../bpf/bpf-object.ts";
import { bpfObject } from "../bpf/embedded.ts";
import { IteratorReader } from "../bpf/iterator-reader.ts";
import { pidNamespace } from "../procfs/pid-namespace.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";
import type { ProcessLister } from "./process-lister.ts";

/** Lists processes by the BPF task iterator. Start times are exact, and no file is opened for each process. */
export class TaskIterator implements ProcessLister {
  readonly source = "task-iterator";
  readonly #object: BpfObject;
  readonly #link: BpfLink;
  readonly #reader = new IteratorReader();

  /** @throws BpfLoadError, NativeError if this kernel has no such iterator, or refuses it */
  constructor() {
    this.#object = BpfObject.open("tasks", bpfObject("tasks"));
    try {
      this.#object.load();
      this.#link = BpfLink.attach(this.#object, "list_processes");
    } catch (error) {
      this.#object.close();
      throw error;
    }
  }

  list(each: (record: Record) => void): void {
    const record = new Record();
    record.attach(this.#reader.u32, this.#reader.u8);
    this.#reader.pass(this.#link, PROCESS_EVENT.size, (at) => {
      record.seek(at, PROCESS_EVENT.size);
      each(record);
      return false;
    });
  }

  /** The iterator lists the processes of the reader's pid namespace. Only the initial namespace has all processes. */
  mayHide(): boolean {
    return !pidNamespace().isInitial;
  }

  [Symbol.dispose](): void {
    this.#link.close();
    this.#object.close();
  }
}
