/** The processes that run right now, as records of the wire: from the task iterator, else from /proc. */
import { closeSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { bpfObject } from "../embedded.ts";
import { BpfLink, openIterator } from "../libbpf/bpf-link.ts";
import { BpfObject } from "../libbpf/bpf-object.ts";
import { FLAG_PPID_KNOWN, PROCESS_EVENT } from "../wire/layout.gen.ts";
import { Record } from "../wire/record.ts";

/** Lists live processes; `each` gets a cursor that is void after it returns. */
export interface ProcessLister extends Disposable {
  readonly source: "task-iterator" | "proc";
  list(each: (record: Record) => void): void;
}

const READ_BYTES = 64 * 1024;

/** One pass of the BPF task iterator: exact start times, no file a process. */
class TaskIterator implements ProcessLister {
  readonly source = "task-iterator";
  readonly #object: BpfObject;
  readonly #link: BpfLink;
  readonly #u8 = new Uint8Array(READ_BYTES);
  readonly #u32 = new Uint32Array(this.#u8.buffer);

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
    const fd = openIterator(this.#link);
    const record = new Record();
    record.attach(this.#u32, this.#u8);
    try {
      // The kernel hands over whole pieces of a few pages; a record may be split between two reads.
      let kept = 0;
      for (;;) {
        const got = readSync(fd, this.#u8, kept, READ_BYTES - kept, null);
        if (got === 0) break;
        const end = kept + got;
        let at = 0;
        for (; at + PROCESS_EVENT.size <= end; at += PROCESS_EVENT.size) {
          record.seek(at, PROCESS_EVENT.size);
          each(record);
        }
        this.#u8.copyWithin(0, at, end);
        kept = end - at;
      }
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    this.#link.close();
    this.#object.close();
  }
}

/** /proc: start times only to the tick, so that the identity is the pid alone. */
class ProcScan implements ProcessLister {
  readonly source = "proc";
  readonly #bytes = new Uint8Array(PROCESS_EVENT.size);
  readonly #view = new DataView(this.#bytes.buffer);

  list(each: (record: Record) => void): void {
    const record = new Record();
    record.attach(new Uint32Array(this.#bytes.buffer), this.#bytes);
    record.seek(0, PROCESS_EVENT.size);
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      if (Number.isInteger(pid) && this.#fill(pid)) each(record);
    }
  }

  #fill(pid: number): boolean {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const close = stat.lastIndexOf(")");
      const comm = stat.slice(stat.indexOf("(") + 1, close);
      const fields = stat.slice(close + 2).split(" ");
      if (fields[0] === "Z" || fields[0] === "X") return false;
      const little = true;
      this.#bytes.fill(0);
      this.#bytes[PROCESS_EVENT.flags] = FLAG_PPID_KNOWN;
      this.#view.setUint32(PROCESS_EVENT.pid, pid, little);
      this.#view.setUint32(PROCESS_EVENT.ppid, Number(fields[1]), little);
      const { uid, gid } = statSync(`/proc/${pid}`);
      this.#view.setUint32(PROCESS_EVENT.uid, uid, little);
      this.#view.setUint32(PROCESS_EVENT.gid, gid, little);
      this.#bytes.set(Buffer.from(comm, "latin1").subarray(0, PROCESS_EVENT.comm_len - 1), PROCESS_EVENT.comm);
      return true;
    } catch {
      return false; // gone while we looked
    }
  }

  [Symbol.dispose](): void {}
}

/** The better lister that this kernel offers. */
export function openProcessLister(): ProcessLister {
  try {
    return new TaskIterator();
  } catch {
    return new ProcScan();
  }
}
