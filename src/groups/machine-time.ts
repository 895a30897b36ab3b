import { closeSync, openSync, readSync } from "node:fs";
import { NS_PER_CLOCK_TICK, readProcFile } from "../procfs/proc-stat.ts";
import { monotonicNs } from "../sys/clock.ts";
import type { MachineTime } from "./books.ts";

/** Parses the machine's line of /proc/stat, proc_stat(5). @returns null where it has none */
export function parseMachineTime(text: string, nowNs: number): MachineTime | null {
  const all = /^cpu +(.+)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (all === undefined) return null;
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] = all;
  const ns = (ticks: number) => ticks * NS_PER_CLOCK_TICK;
  return {
    nowNs,
    cpus: text.match(/^cpu[0-9]+ /gm)?.length ?? 1,
    idleNs: ns(idle),
    iowaitNs: ns(iowait),
    stealNs: ns(steal),
    irqNs: ns(irq),
    softirqNs: ns(softirq),
    countedNs: ns(user + nice + system + irq + softirq),
  };
}

export function readMachineTime(): MachineTime | null {
  const text = readProcFile("/proc/stat");
  return text === null ? null : parseMachineTime(text, monotonicNs());
}

const BTF = "/sys/kernel/btf/vmlinux";
const CHUNK_BYTES = 256 * 1024;

/**
 * Whether the kernel leaves interrupts out of the time of processes. Only a kernel built with CONFIG_IRQ_TIME_ACCOUNTING has
 * this member of `struct rq`, by its BTF.
 */
export function keepsIrqApart(path = BTF, member = "prev_irq_time\0"): boolean {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return false;
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let kept = 0;
    for (;;) {
      const read = readSync(fd, buffer, kept, CHUNK_BYTES - kept, null);
      if (read === 0) return false;
      const end = kept + read;
      if (buffer.subarray(0, end).includes(member, 0, "latin1")) return true;
      kept = Math.min(end, member.length);
      buffer.copyWithin(0, end - kept, end);
    }
  } finally {
    closeSync(fd);
  }
}
