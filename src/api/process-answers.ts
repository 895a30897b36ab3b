import { ByteWriter, utf8 } from "../json/byte-writer.ts";
import { textOf } from "../json/text.ts";
import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { ancestorsOf, descendantsOf } from "../process/tree.ts";
import { type Names, ProcessJson } from "./process-json.ts";
import type { ProcessQuery } from "./source.ts";
import { commBytes } from "./stream-filter.ts";

/** Maximum number of ancestors, and of descendants, in one answer. */
const MAX_RELATIVES = 1000;
/**
 * Initial size of the buffer for an answer: bytes without the processes, and bytes for each process with arguments of
 * ordinary length.
 */
const ENVELOPE_BYTES = 1024;
const PROCESS_BYTES = 1024;

/** Answers from the process table, as JSON. answers.ts has their schemas. */
export class ProcessAnswers {
  readonly #table: ProcessTable;
  readonly #names: Names;
  readonly #json: ProcessJson;
  readonly #passes: (slot: number) => boolean;

  /** @param passes whether a live process passes the filters of the run */
  constructor(table: ProcessTable, names: Names, passes: (slot: number) => boolean = () => true) {
    this.#table = table;
    this.#names = names;
    this.#passes = passes;
    this.#json = new ProcessJson(table, names);
  }

  /** The answer `processes`: live processes that pass the filters. */
  list(query: ProcessQuery): Uint8Array<ArrayBuffer> {
    const table = this.#table;
    const passed = liveSlots(table, this.#passes);
    const slots = passed.filter(this.#filter(query));
    const matched = slots.length;
    sortByKey(slots, table, this.#key(query.sort));
    slots.length = Math.min(slots.length, query.limit);
    const body = new Body(this.#json, slots.length);
    body.text(`{"live":${passed.length},"matched":${matched},"processes":`);
    body.processes(slots);
    body.text("}\n");
    return body.end();
  }

  /** The answer `process`: the newest process with that pid; null if the table has none. */
  one(pid: number): Uint8Array<ArrayBuffer> | null {
    const slot = this.#table.find(pid);
    if (slot === NO_SLOT) return null;
    const body = new Body(this.#json, 1);
    body.process(slot);
    body.text("\n");
    return body.end();
  }

  /** The answer `graph`: the process, its ancestors (parent first) and its descendants; null if the table has none. */
  graph(pid: number): Uint8Array<ArrayBuffer> | null {
    const table = this.#table;
    const slot = table.find(pid);
    if (slot === NO_SLOT) return null;
    const bounds = { maxCount: MAX_RELATIVES };
    const [ancestors, descendants] = [ancestorsOf(table, slot, bounds), descendantsOf(table, slot, bounds)];
    const body = new Body(this.#json, 1 + ancestors.relatives.length + descendants.relatives.length);
    body.text('{"process":');
    body.process(slot);
    body.text(',"ancestors":');
    body.processes(ancestors.relatives.map((relative) => relative.slot));
    body.text(',"descendants":');
    body.processes(descendants.relatives.map((relative) => relative.slot));
    body.text(`,"truncated":${ancestors.truncated || descendants.truncated}}\n`);
    return body.end();
  }

  #filter({ user, cgroup, comm }: ProcessQuery): (slot: number) => boolean {
    const table = this.#table;
    const names = this.#names;
    const checks: ((slot: number) => boolean)[] = [];
    if (user !== null) {
      const uid = /^\d{1,10}$/.test(user) ? Number(user) : -1;
      const isUser = (id: number | undefined) => id !== undefined && (id === uid || names.userName(id) === user);
      checks.push((slot) => isUser(table.uid(slot)) || isUser(table.euid(slot)));
    }
    if (comm !== null) {
      // Truncated as in the kernel, and compared as in /events.
      const kept = textOf(commBytes(comm));
      checks.push((slot) => table.comm(slot) === kept);
    }
    if (cgroup !== null) {
      const below = cgroup.endsWith("/") ? cgroup : `${cgroup}/`;
      checks.push((slot) => {
        const path = names.of(slot)?.cgroup;
        return path != null && (path.startsWith(below) || `${path}/` === below);
      });
    }
    return (slot) => checks.every((check) => check(slot));
  }

  /** The value to sort by. Processes with an unknown value are last. */
  #key(sort: ProcessQuery["sort"]): (slot: number) => number {
    const table = this.#table;
    if (sort === "cpu") return (slot) => table.cpuPct(slot) ?? -1;
    if (sort === "rss") return (slot) => table.rssBytes(slot) ?? -1;
    return (slot) => table.startHigh(slot) * 4294967296 + table.startLow(slot) || -1;
  }
}

/*
 * Each of these loops is a function of its own. As one function, the runtime compiled them eight times, which took 24
 * ms and megabytes of memory.
 */
function liveSlots(table: ProcessTable, wanted: (slot: number) => boolean): number[] {
  const slots: number[] = [];
  const end = table.slotEnd;
  for (let slot = 0; slot < end; slot++) if (table.isLive(slot) && wanted(slot)) slots.push(slot);
  return slots;
}

/** Sorts by descending key, and by ascending pid if keys are equal. */
function sortByKey(slots: number[], table: ProcessTable, key: (slot: number) => number): void {
  const keys = new Float64Array(table.slotEnd);
  for (let i = 0; i < slots.length; i++) keys[slots[i] as number] = key(slots[i] as number);
  slots.sort((a, b) => (keys[b] as number) - (keys[a] as number) || table.pid(a) - table.pid(b));
}

/** The body of one answer. */
class Body {
  readonly #json: ProcessJson;
  readonly #out: ByteWriter;

  /** @param processes number of processes in the answer */
  constructor(json: ProcessJson, processes: number) {
    this.#json = json;
    this.#out = new ByteWriter(ENVELOPE_BYTES + processes * PROCESS_BYTES);
  }

  text(text: string): void {
    const bytes = utf8(text);
    this.#out.reserve(bytes.length);
    for (const byte of bytes) this.#out.byte(byte);
  }

  process(slot: number): void {
    this.#json.put(slot, this.#out);
  }

  processes(slots: readonly number[]): void {
    this.text("[");
    for (let i = 0; i < slots.length; i++) {
      if (i > 0) this.text(",");
      this.process(slots[i] as number);
    }
    this.text("]");
  }

  /** A copy of the whole answer, in memory of exactly its size. */
  end(): Uint8Array<ArrayBuffer> {
    const { bytes, length } = this.#out;
    return new Uint8Array(bytes.buffer.transfer(length));
  }
}
