/**
 * bun namespace-table.ts LISTER: compares a process table with the running processes every 20 ms. LISTER is `best` for
 * the best list of this kernel, or `iterator` as on kernels before 6.7. Prints a line once it watches. Answers each
 * line with a pid on standard input after five more lists, as JSON (`NamespaceTable`).
 */
import { createInterface } from "node:readline";
import { Collector } from "../../../src/collect/collector.ts";
import { openProcessLister } from "../../../src/process/live-processes.ts";
import type { ProcessLister } from "../../../src/process/process-lister.ts";
import { NO_SLOT } from "../../../src/process/table-slots.ts";
import { type Record, recordIn } from "../../../src/wire/record.ts";
import { collectorOptions } from "../../collect/collector-options.ts";
import { forkRecord } from "../../wire/make-record.ts";

export interface NamespaceTable {
  /** Whether the given process is alive by the table. */
  hasProcess: boolean;
  /** Whether the table has a process that does not exist, because its exit was lost. */
  hasGhost: boolean;
  lostExits: number;
  /** Whether the image of the given process is known: from its exec, or from /proc if it started before the run. */
  hasImage: boolean;
  conditions: string[];
}

/** A pid above every possible pid. */
const GHOST = 2 ** 23;
const EVERY_NS = 20e6;

let lists = 0;

function counted(lister: ProcessLister): ProcessLister {
  return {
    source: lister.source,
    list(each: (record: Record) => void) {
      lister.list(each);
      lists++;
    },
    mayHide: (pid, startNs) => lister.mayHide?.(pid, startNs) ?? false,
    [Symbol.dispose]: () => lister[Symbol.dispose](),
  };
}

const refuse = (): never => {
  throw new Error("as on a kernel before 6.7");
};

const lister = process.argv[2] === "iterator" ? openProcessLister(undefined, refuse) : openProcessLister();
using collector = new Collector(
  collectorOptions({ flushIntervalMs: 10, reconcile: { everyNs: EVERY_NS, lister: counted(lister) } }),
  { event: () => {}, idle: () => {} },
);
const { table } = collector;
collector.start();
table.fork(recordIn(forkRecord({ pid: GHOST, start_ns: 1n, ts_ns: 1 })));
console.log("watching");

const has = (pid: number) => table.findLive(pid) !== NO_SLOT;
const hasImage = (pid: number) => has(pid) && table.exe(table.findLive(pid)) !== null;
for await (const line of createInterface({ input: process.stdin })) {
  const until = lists + 5;
  while (lists < until) await Bun.sleep(5);
  const answer: NamespaceTable = {
    hasProcess: has(Number(line)),
    hasGhost: has(GHOST),
    lostExits: table.lostExits,
    hasImage: hasImage(Number(line)),
    conditions: [...collector.conditions.active.keys()],
  };
  console.log(JSON.stringify(answer));
}
process.exit(0);
