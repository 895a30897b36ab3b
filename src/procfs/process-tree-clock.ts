import { readdirSync } from "node:fs";
import { processCpuClockId, readClockNs } from "../sys/clock.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat } from "./proc-stat.ts";

/** CPU time of a process and all its descendants, at one moment. */
export interface TreeCpu {
  /** When: ns since this process's start (monotonic). */
  atNs: number;
  /** User and system time of live and ended processes, ns; never falls from one reading to the next. */
  cpuNs: number;
  /**
   * The part of `cpuNs` from ended processes that a live process has waited for, in steps of 10 ms per live process.
   */
  waitedForNs: number;
  /**
   * The part of `cpuNs` from ended processes whose parent does not wait for them, up to the last reading before their
   * end.
   */
  orphanedNs: number;
  /** Pids of the live processes, the root first if it is alive. */
  pids: number[];
}

interface Member {
  pid: number;
  startTicks: number;
  ppid: number;
  ownNs: number;
  waitedForNs: number;
  waitedForAtFirstNs: number;
  /** CPU time of ended children, up to the last reading before their end. */
  owedNs: number;
}

/**
 * Adds up the CPU time of a process tree: the nanosecond clock of each live process, and for ended processes the time
 * that the kernel has added to their parents (cutime and cstime). The kernel counts these in nanoseconds but shows them
 * in steps of 10 ms. At most 20 ms are missing per live parent, however many children it had. A descendant that was
 * once seen stays in the tree when its parent ends and another process adopts it.
 *
 * Two things are missing: a process that starts, leaves the tree (its parent ends) and ends between two readings; and
 * for children of a parent that ignores SIGCHLD, the time after the last reading. For a child of this process, use the
 * rusage of wait4 as the total: it contains the whole tree that was waited for, to the microsecond.
 */
export class ProcessTreeClock {
  readonly #root: number;
  #members = new Map<number, Member>();
  #lostNs = 0;
  #highestNs = 0;

  private constructor(root: number) {
    this.#root = root;
  }

  /** @returns null if the process does not exist */
  static open(pid: number): ProcessTreeClock | null {
    const clock = new ProcessTreeClock(pid);
    const stat = readProcStat(pid);
    const root = stat === null ? null : readMember(stat);
    if (root === null) return null;
    clock.#members.set(pid, root);
    return clock;
  }

  /**
   * The total of the tree now; after the last process has ended, the last total. It reads the stat file of every
   * process of the machine.
   */
  read(): TreeCpu {
    let now = this.#scan();
    // A child that is waited for during a scan would be missed or counted twice. So scan again until nothing changes,
    // at most three times.
    for (let tries = 0; tries < 3; tries++) {
      const again = this.#scan();
      const settled = sameWaitedFor(now, again);
      now = again;
      if (settled) break;
    }
    this.#lostNs += settle(this.#members, now);
    this.#members = now;
    let livingNs = 0;
    let waitedForNs = 0;
    let orphanedNs = this.#lostNs;
    for (const member of now.values()) {
      livingNs += member.ownNs;
      waitedForNs += member.waitedForNs;
      orphanedNs += neverReceivedNs(member);
    }
    this.#highestNs = Math.max(this.#highestNs, livingNs + waitedForNs + orphanedNs);
    return {
      atNs: Bun.nanoseconds(),
      cpuNs: this.#highestNs,
      waitedForNs,
      orphanedNs,
      pids: [...now.keys()].sort((a, b) => Number(b === this.#root) - Number(a === this.#root) || a - b),
    };
  }

  /** Known members that are still alive, and all their descendants. */
  #scan(): Map<number, Member> {
    const stats = readAllStats();
    const children = Map.groupBy(stats.values(), (stat) => stat.ppid);
    const found = new Map<number, Member>();
    const pending: ProcStat[] = [];
    for (const { pid, startTicks } of this.#members.values()) {
      const stat = stats.get(pid);
      if (stat?.startTicks === startTicks) pending.push(stat);
    }
    for (let stat = pending.pop(); stat !== undefined; stat = pending.pop()) {
      if (found.has(stat.pid)) continue;
      const member = readMember(stat);
      if (member === null) continue;
      found.set(stat.pid, member);
      pending.push(...(children.get(stat.pid) ?? []));
    }
    return found;
  }
}

function readAllStats(): Map<number, ProcStat> {
  const stats = new Map<number, ProcStat>();
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = readProcStat(Number(name));
    if (stat !== null) stats.set(stat.pid, stat);
  }
  return stats;
}

function readMember(stat: ProcStat): Member | null {
  const clockId = processCpuClockId(stat.pid);
  const ownNs = clockId === null ? null : readClockNs(clockId);
  if (clockId === null || ownNs === null) return null;
  const waitedForNs = (stat.cutimeTicks + stat.cstimeTicks) * NS_PER_CLOCK_TICK;
  return {
    pid: stat.pid,
    startTicks: stat.startTicks,
    ppid: stat.ppid,
    ownNs: Number(ownNs),
    waitedForNs,
    waitedForAtFirstNs: waitedForNs,
    owedNs: 0,
  };
}

function sameWaitedFor(a: ReadonlyMap<number, Member>, b: ReadonlyMap<number, Member>): boolean {
  if (a.size !== b.size) return false;
  for (const [pid, member] of a) if (b.get(pid)?.waitedForNs !== member.waitedForNs) return false;
  return true;
}

/**
 * Adds the time of processes that have ended since the last scan to `owedNs` of their parents. Returns the time that no
 * live member can receive any more, ns: that of processes whose parent is outside the tree, and what ended parents were
 * owed.
 */
function settle(before: ReadonlyMap<number, Member>, now: ReadonlyMap<number, Member>): number {
  const survivor = (pid: number): Member | undefined => {
    const member = now.get(pid);
    return member !== undefined && member.startTicks === before.get(pid)?.startTicks ? member : undefined;
  };
  for (const member of before.values()) {
    const self = survivor(member.pid);
    if (self !== undefined) {
      self.owedNs += member.owedNs;
      self.waitedForAtFirstNs = member.waitedForAtFirstNs;
    }
  }
  let lost = 0;
  for (const member of before.values()) {
    if (survivor(member.pid) !== undefined) continue;
    const used = member.ownNs + member.waitedForNs;
    lost += neverReceivedNs(member);
    // If the parent has ended as well, either the parent or the process that adopted the child has waited for it.
    let heir = member.ppid;
    while (before.has(heir) && survivor(heir) === undefined) heir = (before.get(heir) as Member).ppid;
    const account = survivor(heir);
    if (account === undefined) lost += used;
    else account.owedNs += used;
  }
  return lost;
}

/** The part of `owedNs` by which the member's own time of waited-for children has not grown, ns. */
function neverReceivedNs(member: Member): number {
  const shortfall = member.owedNs - (member.waitedForNs - member.waitedForAtFirstNs);
  // The kernel shows that time in whole ticks, user and system separately.
  return Math.max(shortfall - 2 * NS_PER_CLOCK_TICK, 0);
}
