import { constants } from "node:os";
import { argvOf, type Command, expectedStatus, nonceOf, type Program, type Site } from "./programs.ts";
import { NOT_REAPED, TruthColumns } from "./truth-columns.ts";

/** The facts that all spawns of a run have in common. */
export interface TruthHead extends Site {
  /** CLOCK_BOOTTIME of the origin of the times in the rows, ns. */
  originNs: bigint;
  /** Five random digits for each run. Followed by a spawn's index in seven digits, they are the nonce of the spawn. */
  run: number;
  commands: readonly Command[];
}

/** One process that the spawner made. Times are CLOCK_BOOTTIME, ns. */
export interface SpawnTruth {
  index: number;
  pid: number;
  /** The spawner. */
  ppid: number;
  program: Program;
  /** Absolute path of the executable. */
  path: string;
  /** argv[0] included. */
  args: string[];
  /** A part of `args` that identifies this process together with `pid`; see `nonceOf`. */
  nonce: string;
  /** The lifetime that it was given; null if it lives for as long as its work takes. */
  lifetimeMs: number | null;
  /** How much later than its deadline posix_spawn was called. */
  lateNs: number;
  /** Its fork and its exec are between these two times. */
  spawnedFromNs: bigint;
  spawnedByNs: bigint;
  /**
   * The process became a zombie between these two times; both are null if it was not reaped. The kernel's exit
   * tracepoint is earlier, because the kernel still has to release the process. It is between `spawnedFromNs` and
   * `exitedByNs`.
   */
  exitedFromNs: bigint | null;
  exitedByNs: bigint | null;
  /** Wait status; null if it was not reaped. */
  status: number | null;
  exitCode: number | null;
  /** Name such as `SIGTERM`. */
  signal: string | null;
  /** Whether the spawner killed it at the end of the run. */
  killed: boolean;
  /** The wait status with which the program ends by itself. */
  expectedStatus: number;
  userUs: number;
  systemUs: number;
  /** ru_maxrss. It is never below that of the spawner, because it includes the address space before the exec. */
  maxRssKib: number;
  minorFaults: number;
  majorFaults: number;
}

const SIGNAL_NAME = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]));

/** Digits of the index in a nonce. */
const INDEX_DIGITS = 7;

/** The nonce of spawn `index`: 12 digits, the first not 0. */
export function nonceText(run: number, index: number): string {
  return `${run}${String(index).padStart(INDEX_DIGITS, "0")}`;
}

/** All spawns of a run, in their order. */
export class GroundTruth implements Iterable<SpawnTruth> {
  readonly head: TruthHead;
  readonly columns: TruthColumns;
  #byPid: Map<number, number[]> | null = null;

  constructor(head: TruthHead, columns: TruthColumns = new TruthColumns(0)) {
    this.head = head;
    this.columns = columns;
  }

  get length(): number {
    return this.columns.length;
  }

  /** Spawn `index`, 0 … length − 1. */
  at(index: number): SpawnTruth {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`no spawn ${index} of ${this.length}`);
    const column = this.columns;
    const command = this.#command(index);
    const variant = column.get("variant", index);
    const nonce = nonceText(this.head.run, index);
    const waitStatus = column.get("status", index);
    const status = waitStatus === NOT_REAPED ? null : waitStatus;
    const signal = status === null ? 0 : status & 0x7f;
    return {
      index,
      pid: column.get("pid", index),
      ppid: this.head.spawnerPid,
      program: command.program,
      path: command.path,
      args: argvOf(command, this.head, nonce, variant),
      nonce: nonceOf(command, this.head, nonce, variant),
      lifetimeMs: command.lifetimeMs,
      lateNs: column.get("spawnedFromNs", index) - column.get("dueNs", index),
      spawnedFromNs: this.#time(column.get("spawnedFromNs", index)),
      spawnedByNs: this.#time(column.get("spawnedByNs", index)),
      exitedFromNs: status === null ? null : this.#time(column.get("exitedFromNs", index)),
      exitedByNs: status === null ? null : this.#time(column.get("exitedByNs", index)),
      status,
      exitCode: status === null || signal !== 0 ? null : (status >> 8) & 0xff,
      signal: signal === 0 ? null : (SIGNAL_NAME.get(signal) ?? `SIG${signal}`),
      killed: column.get("killed", index) === 1,
      expectedStatus: expectedStatus(command, variant),
      userUs: column.get("userUs", index),
      systemUs: column.get("systemUs", index),
      maxRssKib: column.get("maxRssKib", index),
      minorFaults: column.get("minorFaults", index),
      majorFaults: column.get("majorFaults", index),
    };
  }

  /** Indexes of the spawns that had this pid, oldest first. There are several if the kernel used the pid again. */
  withPid(pid: number): readonly number[] {
    if (this.#byPid === null) {
      this.#byPid = new Map();
      for (let i = 0; i < this.length; i++) {
        const key = this.columns.get("pid", i);
        const list = this.#byPid.get(key);
        if (list === undefined) this.#byPid.set(key, [i]);
        else list.push(i);
      }
    }
    return this.#byPid.get(pid) ?? [];
  }

  /**
   * Finds the spawn with this pid and start time.
   *
   * @param startNs CLOCK_BOOTTIME, ns
   * @param slackNs tolerance for rounded start times, such as the clock ticks of /proc/PID/stat
   * @returns its index, or -1
   */
  find(pid: number, startNs: bigint, slackNs = 0): number {
    const start = Number(startNs - this.head.originNs);
    for (const index of this.withPid(pid)) {
      const from = this.columns.get("spawnedFromNs", index) - slackNs;
      const by = this.columns.get("spawnedByNs", index) + slackNs;
      if (start >= from && start <= by) return index;
    }
    return -1;
  }

  /** Indexes of spawns that ended with another status than `expectedStatus`, without those that the spawner killed. */
  unexpected(): number[] {
    const found: number[] = [];
    for (let i = 0; i < this.length; i++) {
      const status = this.columns.get("status", i);
      if (status === NOT_REAPED || this.columns.get("killed", i) === 1) continue;
      if (status !== expectedStatus(this.#command(i), this.columns.get("variant", i))) found.push(i);
    }
    return found;
  }

  *[Symbol.iterator](): Iterator<SpawnTruth> {
    for (let i = 0; i < this.length; i++) yield this.at(i);
  }

  #command(index: number): Command {
    return this.head.commands[this.columns.get("command", index)] as Command;
  }

  #time(relativeNs: number): bigint {
    return this.head.originNs + BigInt(relativeNs);
  }
}
