/** perf_event_open(2), which no library has a function for. */
import { checkLibc } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf } from "../sys/native.ts";

/** include/uapi/linux/perf_event.h */
const PERF_FLAG_FD_CLOEXEC = 8n;
const PERF_EVENT_OPEN: Record<string, bigint> = { x64: 298n, arm64: 241n };
const EVERY_TASK = -1n;
const NO_GROUP = -1n;

/**
 * Opens an event of every task on one CPU.
 * @param attributes a struct perf_event_attr
 * @throws NativeError: ENODEV where the CPU is offline, EACCES without the privilege
 */
export function openPerfEvent(attributes: BigUint64Array, cpu: number): number {
  const call = PERF_EVENT_OPEN[process.arch];
  if (call === undefined) throw new Error(`perf_event_open has no known number on ${process.arch}`);
  const address = BigInt(addressOf(attributes));
  const fd = libc().syscall(call, address, EVERY_TASK, BigInt(cpu), NO_GROUP, PERF_FLAG_FD_CLOEXEC);
  return checkLibc("perf_event_open", Number(fd));
}
