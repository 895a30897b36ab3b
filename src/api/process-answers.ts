import type { ProcessTable } from "../process/table.ts";
import { NO_SLOT } from "../process/table-slots.ts";
import { ancestorsOf, descendantsOf } from "../process/tree.ts";
import { ByteWriter, utf8 } from "../sinks/byte-writer.ts";
import { type Names, ProcessJson } from "./process-json.ts";
import type { ProcessQuery } from "./source.ts";

/** Most relatives of a kind in one answer. */
const MAX_RELATIVES = 1000;
/** So much is written before it is copied to the answer: what is kept to write to stays small. */
const CHUNK_BYTES = 64 * 1024;

/** What the process table knows, as the JSON of answers; shapes: answers.ts. */
export class ProcessAnswers {
  readonly #table: ProcessTable;
  readonly #names: Names;
  readonly #body: Body;

  constructor(table: ProcessTable, names: Names) {
    this.#table = table;
    this.#names = names;
    this.#body = new Body(new ProcessJson(table, names));
  }

  /** Live processes: `processes`. */
  list(query: ProcessQuery): Blob {
    const table = this.#table;
    const slots: number[] = [];
    const wanted = this.#filter(query);
    for (const slot of table.liveSlots()) if (wanted(slot)) slots.push(slot);
    const matched = slots.length;
    const key = this.#key(query.sort);
    const keys = new Float64Array(table.slotEnd);
    for (const slot of slots) keys[slot] = key(slot);
    slots.sort((a, b) => (keys[b] as number) - (keys[a] as number) || table.pid(a) - table.pid(b));
    slots.length = Math.min(slots.length, query.limit);
    const body = this.#body.begin();
    body.text(`{"live":${table.live},"matched":${matched},"processes":`);
    body.processes(slots);
    body.text("}\n");
    return body.end();
  }

  /** The newest process of that pid: `process`. */
  one(pid: number): Blob | null {
    const slot = this.#table.find(pid);
    if (slot === NO_SLOT) return null;
    const body = this.#body.begin();
    body.process(slot);
    body.text("\n");
    return body.end();
  }

  /** With what it descends from, nearest first, and what descends from it: `graph`. */
  graph(pid: number): Blob | null {
    const table = this.#table;
    const slot = table.find(pid);
    if (slot === NO_SLOT) return null;
    const bounds = { maxCount: MAX_RELATIVES };
    const [ancestors, descendants] = [ancestorsOf(table, slot, bounds), descendantsOf(table, slot, bounds)];
    const body = this.#body.begin();
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
      checks.push((slot) => table.uid(slot) === uid || names.user(table.uid(slot)) === user);
    }
    if (comm !== null) checks.push((slot) => table.comm(slot) === comm);
    if (cgroup !== null) {
      const below = cgroup.endsWith("/") ? cgroup : `${cgroup}/`;
      checks.push((slot) => {
        const path = names.place(slot)?.cgroup;
        return path != null && (path === cgroup || path.startsWith(below));
      });
    }
    return (slot) => checks.every((check) => check(slot));
  }

  /** What is not known goes last. */
  #key(sort: ProcessQuery["sort"]): (slot: number) => number {
    const table = this.#table;
    if (sort === "cpu") return (slot) => table.cpuPct(slot) ?? -1;
    if (sort === "rss") return (slot) => table.rssBytes(slot) ?? -1;
    return (slot) => table.startHigh(slot) * 4294967296 + table.startLow(slot) || -1;
  }
}

/** Writes the bodies of answers, one after the other. */
class Body {
  readonly #json: ProcessJson;
  #out = new ByteWriter(CHUNK_BYTES);
  #chunks: Blob[] = [];

  constructor(json: ProcessJson) {
    this.#json = json;
  }

  /** Drops what is left of one that failed. */
  begin(): this {
    this.#out.length = 0;
    this.#chunks = [];
    return this;
  }

  text(text: string): void {
    const bytes = utf8(text);
    this.#out.reserve(bytes.length);
    for (const byte of bytes) this.#out.byte(byte);
  }

  process(slot: number): void {
    this.#json.put(slot, this.#out);
    if (this.#out.length >= CHUNK_BYTES / 2) this.#cut();
  }

  processes(slots: readonly number[]): void {
    this.text("[");
    for (let i = 0; i < slots.length; i++) {
      if (i > 0) this.text(",");
      this.process(slots[i] as number);
    }
    this.text("]");
  }

  /** The whole, which can be sent any number of times without a copy. */
  end(): Blob {
    this.#cut();
    const chunks = this.#chunks;
    this.#chunks = [];
    const [first] = chunks;
    return first && chunks.length === 1 ? first : new Blob(chunks);
  }

  #cut(): void {
    this.#chunks.push(new Blob([this.#out.bytes.subarray(0, this.#out.length)]));
    this.#out.length = 0;
    // Very long arguments made it larger.
    if (this.#out.bytes.length > 2 * CHUNK_BYTES) this.#out = new ByteWriter(CHUNK_BYTES);
  }
}
