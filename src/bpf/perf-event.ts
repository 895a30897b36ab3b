/** perf_event_open(2), for which the C library has no function. */
import { checkLibc } from "../sys/errno.ts";
import { systemCall } from "../sys/libc.ts";
import { addressOf } from "../sys/native.ts";

/** include/uapi/linux/perf_event.h */
const PERF_FLAG_FD_CLOEXEC = 8;
const EVERY_TASK = -1;
const NO_GROUP = -1;

/**
 * Opens an event of every task on one CPU.
 * @param attributes a struct perf_event_attr
 * @throws NativeError: ENODEV if the CPU is offline, EACCES without the privilege
 */
export function openPerfEvent(attributes: BigUint64Array, cpu: number): number {
  const address = addressOf(attributes);
  const fd = systemCall("perf_event_open", address, EVERY_TASK, cpu, NO_GROUP, PERF_FLAG_FD_CLOEXEC);
  return checkLibc("perf_event_open", fd);
}
