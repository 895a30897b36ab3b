import { closeSync, openSync, readSync } from "node:fs";

const BTF = "/sys/kernel/btf/vmlinux";
const CHUNK_BYTES = 256 * 1024;

/**
 * Whether the kernel leaves interrupts out of the time of processes. This searches the kernel's BTF for a member of
 * `struct rq` that exists only with CONFIG_IRQ_TIME_ACCOUNTING. Returns false if there is no BTF.
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
