import { readdirSync } from "node:fs";
import { processCpuClockId, readClockNs } from "../sys/clock.ts";
import { NS_PER_CLOCK_TICK, type ProcStat, readProcStat } from "./proc-stat.ts";

/** CPU time of a process and all that descend from it, at one moment. */
export interface TreeCpu {
  /** When: ns since this process's start (monotonic). */
  atNs: number;
  /** Living and gone, user and system, ns; never falls from one reading to the next. */
  cpuNs: number;
  /**
   * The part of `cpuNs` from ended processes that a live process has waited for, in steps of 10 ms per live process.
   */
  waitedForNs: number;
  /**
   * The part of `cpuNs` from ended processes whose parent does not wait, as of the last reading that saw them alive.
   */
  orphanedNs: number;
  /** Pids now alive, the root first where it is. */
  pids: number[];
}

interface Member {
  pid: number;
  startTicks: number;
  ppid: number;
  ownNs: number;
  waitedForNs: number;
  waitedForAtFirstNs: number;
  /** Used by children that have died, as of when they were last seen alive. */
  owedNs: number;
}

/**
 * Adds up the CPU time of a process tree: the nanosecond clock of each live process, and for ended processes the time
 * that the kernel has added to their parents (cutime and cstime). The kernel keeps these in nanoseconds but shows them
 * in steps of 10 ms, so at most 20 ms are missing per live parent, however many children it had. Descendants that were
 * seen once stay in the tree when their parent dies and another process adopts them.
 *
 * Missing are: a process that starts, leaves the tree (its parent dies) and ends between two readings; and for children
 * of a parent that ignores SIGCHLD, the time after the last reading. For a child of our own, use the rusage of wait4 as
 * the total: it contains the whole tree that was waited for, to the microsecond.
 */
export class ProcessTreeClock {
  readonly #root: number;
  #members = new Map<number, Member>();
  #lostNs = 0;
  #highestNs = 0;

  private constructor(root: number) {
    this.#root = root;
  }

  /** @returns null if there is no such process */
  static open(pid: number): ProcessTreeClock | null {
    const clock = new ProcessTreeClock(pid);
    const stat = readProcStat(pid);
    const root = stat === null ? null : readMember(stat);
    if (root === null) return null;
    clock.#members.set(pid, root);
    return clock;
  }

  /**
   * The total of the tree now. After the end of the last process, its last total. Costs a look at every process of the
   * machine.
   */
  read(): TreeCpu {
    let now = this.#scan();
    // A child that is waited for in the middle of a scan would be missed, or counted twice: look again.
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

  /** Known members that still live, and all that descend from them. */
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
 * Enters what has died since the last scan into its parents' accounts, and gives the time that no living account can
 * receive any more: that of the dead whose parent is outside the tree, and what dead parents were owed.
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
    // If the parent of a child has ended as well, it has waited for the child, or the process that adopted the child has.
    let heir = member.ppid;
    while (before.has(heir) && survivor(heir) === undefined) heir = (before.get(heir) as Member).ppid;
    const account = survivor(heir);
    if (account === undefined) lost += used;
    else account.owedNs += used;
  }
  return lost;
}

/** What a member's dead children had used when last seen and its own account of children has not grown by. */
function neverReceivedNs(member: Member): number {
  const shortfall = member.owedNs - (member.waitedForNs - member.waitedForAtFirstNs);
  // The account is shown in whole ticks, user and system apart.
  return Math.max(shortfall - 2 * NS_PER_CLOCK_TICK, 0);
}
