import { expect, test } from "bun:test";
import { ProcessTable } from "../../src/process/table.ts";
import { NO_SLOT } from "../../src/process/table-slots.ts";
import { Prng } from "../../src/stats/prng.ts";
import { KNOWN_PPID, KNOWN_START } from "../../src/wire/layout.gen.ts";
import { recordIn } from "../../src/wire/record.ts";
import {
  argumentBytes,
  EXEC_KNOWN,
  execRecord,
  exitRecord,
  forkRecord,
  type Head,
  pathComponents,
} from "../wire/make-record.ts";

const LINGER_NS = 500;
const LINGER_MAX = 5;

interface Process {
  pid: number;
  /** 0n if unknown. */
  start: bigint;
  comm: string;
  ppid: number | undefined;
  uid: number;
  exe: string | null;
  isLive: boolean;
  bornNs: number | undefined;
  exitedNs: number | undefined;
}

/** The contract of ProcessTable, implemented with lists that are searched completely. */
class Model {
  /** In the order in which they were added. */
  processes: Process[] = [];
  /** Exited processes, in the order of their exits. */
  exited: Process[] = [];
  lostExits = 0;

  find(pid: number): Process | undefined {
    return this.processes.findLast((process) => process.pid === pid);
  }

  event(kind: "fork" | "exec" | "exit" | "seed", fields: Fields): void {
    const known = this.match(fields);
    if (kind === "seed" && known) {
      if (known.isLive) known.ppid = fields.ppid ?? known.ppid;
      return;
    }
    const process = this.enter(fields, kind === "fork");
    if (kind === "fork") {
      process.bornNs = fields.ts_ns;
      if (process.exe === null && fields.ppid !== undefined) process.exe = this.find(fields.ppid)?.exe ?? null;
    } else if (kind === "exec") {
      process.exe = fields.exe;
    } else if (kind === "exit") {
      this.leave(process, fields.ts_ns);
    }
  }

  match({ pid, start }: Fields): Process | undefined {
    const newestFirst = this.processes.filter((process) => process.pid === pid).reverse();
    if (start === undefined) return newestFirst[0]?.isLive ? newestFirst[0] : undefined;
    return newestFirst.find((process) => process.start === start || (process.start === 0n && process.isLive));
  }

  enter(fields: Fields, isBirth: boolean): Process {
    const newest = this.find(fields.pid);
    if (isBirth && fields.start === undefined && newest?.isLive && newest.bornNs !== undefined) {
      this.gone(newest, fields.ts_ns);
    }
    let process = this.match(fields);
    if (!process) {
      const earlier = this.find(fields.pid);
      if (earlier?.isLive) this.gone(earlier, fields.ts_ns);
      process = {
        pid: fields.pid,
        start: 0n,
        comm: "",
        ppid: undefined,
        uid: 0,
        exe: null,
        isLive: true,
        bornNs: undefined,
        exitedNs: undefined,
      };
      this.processes.push(process);
    }
    process.start = fields.start ?? process.start;
    process.ppid = fields.ppid ?? process.ppid;
    process.uid = fields.uid;
    process.comm = fields.comm;
    return process;
  }

  gone(process: Process, nowNs: number): void {
    if (!process.isLive) return;
    this.lostExits++;
    this.leave(process, nowNs);
  }

  leave(process: Process, nowNs: number): void {
    if (!process.isLive) return;
    process.isLive = false;
    process.exitedNs = nowNs;
    this.exited.push(process);
    if (this.exited.length > LINGER_MAX) this.forgetOldest();
  }

  expire(nowNs: number): void {
    while (this.exited[0] && nowNs - (this.exited[0].exitedNs as number) > LINGER_NS) this.forgetOldest();
  }

  forgetOldest(): void {
    const oldest = this.exited.shift();
    this.processes = this.processes.filter((process) => process !== oldest);
  }
}

/** Fields of an event; undefined if the record does not have them. */
interface Fields {
  pid: number;
  start: bigint | undefined;
  ppid: number | undefined;
  uid: number;
  comm: string;
  exe: string;
  ts_ns: number;
}

function apply(table: ProcessTable, kind: "fork" | "exec" | "exit" | "seed", fields: Fields): void {
  const head: Head = {
    pid: fields.pid,
    ppid: fields.ppid ?? 4_000_000_000,
    start_ns: fields.start ?? 0n,
    flags: (fields.start === undefined ? 0 : KNOWN_START) | (fields.ppid === undefined ? 0 : KNOWN_PPID),
    uid: fields.uid,
    comm: fields.comm,
    ts_ns: fields.ts_ns,
  };
  if (kind === "fork") table.fork(recordIn(forkRecord(head)));
  else if (kind === "seed") table.seed(recordIn(forkRecord(head)));
  else if (kind === "exit") table.exit(recordIn(exitRecord(head)));
  else {
    const flags = (head.flags ?? 0) | (EXEC_KNOWN & ~(KNOWN_START | KNOWN_PPID));
    const args = argumentBytes(fields.exe);
    table.exec(recordIn(execRecord({ ...head, flags, exe: pathComponents(fields.exe), args })));
  }
}

/** Everything that the table can return of one process. */
function described(table: ProcessTable, slot: number) {
  return {
    pid: table.pid(slot),
    start: (BigInt(table.startHigh(slot)) << 32n) | BigInt(table.startLow(slot)),
    comm: table.comm(slot),
    ppid: table.ppid(slot),
    uid: table.uid(slot),
    exe: table.exe(slot),
    isLive: table.isLive(slot),
    bornNs: table.bornNs(slot),
    exitedNs: table.exitedNs(slot),
  };
}

function expectSame(table: ProcessTable, model: Model, pids: readonly number[]): void {
  expect(table.live).toBe(model.processes.filter(({ isLive }) => isLive).length);
  expect(table.lingering).toBe(model.exited.length);
  expect(table.lostExits).toBe(model.lostExits);
  for (const pid of pids) {
    const expected = model.find(pid);
    const slot = table.find(pid);
    if (!expected) {
      expect(slot).toBe(NO_SLOT);
      continue;
    }
    expect(described(table, slot)).toEqual(expected);
    expect(table.findLive(pid)).toBe(expected.isLive ? slot : NO_SLOT);
  }
  const live = [...table.liveSlots()].map((slot) => table.pid(slot)).toSorted((a, b) => a - b);
  expect(live).toEqual(
    model.processes
      .filter(({ isLive }) => isLive)
      .map(({ pid }) => pid)
      .toSorted((a, b) => a - b),
  );
}

test.each([
  ["start times are known", 0],
  ["no start time is known", 1],
  ["some start times are known", 0.3],
])("the table agrees with a plain list for any sequence of events: %s", (_, unknownStarts) => {
  for (let seed = 0; seed < 30; seed++) {
    const prng = new Prng(seed);
    const table = new ProcessTable({ lingerNs: LINGER_NS, lingerMax: LINGER_MAX });
    const model = new Model();
    // Few pids, so that they are often reused; some share a bucket.
    const pids = [1, 2, 3, 4, 5, 2049, 4097, 2 ** 22, 2 ** 22 + 1, 77];
    // Exit times are stored in two halves, and both change during the test.
    let now = 2 ** 32 - 3000;
    for (let step = 0; step < 600; step++) {
      now += prng.index(20);
      const choice = prng.index(20);
      if (choice === 0) {
        table.expire(now);
        model.expire(now);
      } else if (choice === 1) {
        const pid = pids[prng.index(pids.length)] as number;
        const process = model.find(pid);
        if (process?.isLive) {
          table.reconcileGone(table.findLive(pid), now);
          model.gone(process, now);
        }
      } else {
        const kind = (["fork", "exec", "exit", "seed"] as const)[prng.index(4)] as "fork" | "exec" | "exit" | "seed";
        const fields: Fields = {
          pid: pids[prng.index(pids.length)] as number,
          start: prng.float() < unknownStarts ? undefined : BigInt(1 + prng.index(4)) * 0x0_8000_0001n,
          ppid: prng.index(5) === 0 ? undefined : (pids[prng.index(pids.length)] as number),
          uid: prng.index(3),
          comm: `c${prng.index(1000)}`,
          exe: `/bin/${"x".repeat(prng.index(100))}${prng.index(1000)}`,
          ts_ns: now,
        };
        apply(table, kind, fields);
        model.event(kind, fields);
      }
      expectSame(table, model, pids);
    }
    // After all processes ended and expired, nothing may be left.
    for (const slot of [...table.liveSlots()]) table.reconcileGone(slot, now);
    table.expire(now + 2 * LINGER_NS);
    expect([table.live, table.lingering, table.images.count]).toEqual([0, 0, 0]);
  }
});
