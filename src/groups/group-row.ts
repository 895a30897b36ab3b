import type { Group } from "../totals/group.ts";
import type { GroupLabel } from "./label.ts";
import { Lifetimes } from "./lifetimes.ts";
import { Rising } from "./rising.ts";

/** The figures of a group since it got its slot. */
export class GroupRow {
  readonly label: GroupLabel;
  /** The user whose share of the slots the group uses; null if it uses no share. */
  readonly user: string | null;
  starts = 0;
  execs = 0;
  readonly exits = { ok: 0, error: 0, signal: 0, unknown: 0 };
  readonly userNs = new Rising();
  readonly systemNs = new Rising();
  /** Bytes that ended processes read from and wrote to storage. */
  readBytes = 0;
  writtenBytes = 0;
  readonly lifetimes = new Lifetimes();
  /** Live processes, and their resident memory. */
  processes = 0;
  rssBytes = 0;
  /** When something last happened in the group, or when it last had a live process, CLOCK_BOOTTIME. */
  activeNs: number;

  constructor(label: GroupLabel, user: string | null, nowNs: number) {
    this.label = label;
    this.user = user;
    this.activeNs = nowNs;
  }

  get cpuNs(): number {
    return this.userNs.shown + this.systemNs.shown;
  }

  /** Adds what the kernel side counted. */
  add(group: Group, nowNs: number): void {
    this.activeNs = nowNs;
    this.starts += group.figure("started");
    this.execs += group.figure("execs");
    this.exits.ok += group.figure("exited_ok");
    this.exits.error += group.figure("exited_error");
    this.exits.signal += group.figure("exited_signal");
    this.exits.unknown += group.figure("exited_unknown");
    this.userNs.add(group.figure("cpu_user_ns"));
    this.systemNs.add(group.figure("cpu_system_ns") + group.figure("after_exit_ns"));
    this.readBytes += group.figure("read_bytes");
    this.writtenBytes += group.figure("write_bytes");
    this.lifetimes.add(group);
  }

  addCpu(userNs: number, systemNs: number): void {
    this.userNs.add(userNs);
    this.systemNs.add(systemNs);
  }

  /** Resets the count of live processes. After this they are counted again. */
  beginCount(): void {
    this.processes = 0;
    this.rssBytes = 0;
  }

  countLive(rssBytes: number, nowNs: number): void {
    this.processes++;
    this.rssBytes += rssBytes;
    this.activeNs = nowNs;
  }

  settle(): void {
    this.userNs.settle();
    this.systemNs.settle();
  }
}
