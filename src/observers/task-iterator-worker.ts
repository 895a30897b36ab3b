import { writeSync } from "node:fs";
import { cannotRunError } from "../errors.ts";
import { TaskIterator } from "../process/task-iterator.ts";
import { PROCESS_EVENT } from "../wire/layout.gen.ts";
import type { Record } from "../wire/record.ts";
import { warmUp } from "./warm-up.ts";

/** A process as the iterator told of it at its last pass. */
interface Known {
  /** CLOCK_BOOTTIME, ns: with the pid its identity. Below 2^53 it is exact. */
  startNs: number;
  pass: number;
}

/**
 * Lists all processes with the BPF task iterator every interval until it is killed. Each pass is written to standard
 * output at once, as lines of JSON: `{"listing":N}` with the number of processes, then `{"pid":…,"start_ns":…}` for
 * each one that is new. It sleeps without an event loop, which costs less than a timer.
 *
 * @throws LinnixError where this kernel has no task iterator that we may use
 */
export function runTaskIterator(intervalMs: number): never {
  using lister = openTaskIterator();
  warmUp(() => lister.list(() => {}));
  const known = new Map<number, Known>();
  let next = performance.now();
  for (let pass = 0; ; pass++) {
    let lines = "";
    let count = 0;
    lister.list((record: Record) => {
      count += 1;
      const pid = record.u32(PROCESS_EVENT.pid);
      const startNs = record.u64(PROCESS_EVENT.start_ns);
      const old = known.get(pid);
      if (old !== undefined && old.startNs === startNs) {
        old.pass = pass;
      } else {
        known.set(pid, { startNs, pass });
        lines += `{"pid":${pid},"start_ns":${record.big(PROCESS_EVENT.start_ns)}}\n`;
      }
    });
    // What is known and was not listed has ended; where nothing has, there is nothing to look for.
    if (known.size > count) {
      for (const [pid, process] of known) if (process.pass !== pass) known.delete(pid);
    }
    writeSync(1, `{"listing":${count}}\n${lines}`);
    // From deadline to deadline; those that were missed are not made up for.
    const now = performance.now();
    next = Math.max(next + intervalMs, now);
    if (next > now) Bun.sleepSync(next - now);
  }
}

function openTaskIterator(): TaskIterator {
  try {
    return new TaskIterator();
  } catch (cause) {
    throw cannotRunError("task-iterator", { what: "the BPF task iterator cannot be used here" }, { cause });
  }
}
