import { readdirSync, statSync } from "node:fs";
import { isFull, updateMap } from "../bpf/bpf-map.ts";
import { hasKernelPids } from "../procfs/pid-namespace.ts";
import { readProcStat } from "../procfs/proc-stat.ts";
import { COMM_LEN, THREAD_GROUP } from "../wire/layout.gen.ts";

/** Maximum number of looks at one process, if each look finds that it has changed. */
const MAX_LOOKS = 8;

/**
 * Enters the processes that already have several threads into the map of the tracepoint backend, by pid: their name,
 * and how many threads must end before the process ends.
 * @param noRoom called for each process for which the map has no room
 */
export function enterThreadGroups(mapFd: number, noRoom: () => void = () => {}): void {
  // In another pid namespace, these pids belong to other processes.
  if (!hasKernelPids()) return;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || !hasThreads(pid)) continue;
    // The programs change the same entry. A change between a look and the update of the map shows at the next look.
    let entered = new Uint8Array();
    for (let look = 0; look < MAX_LOOKS; look++) {
      const group = readThreadGroup(pid);
      if (group === null || Buffer.compare(group, entered) === 0) break;
      if (!isRoomFor(mapFd, pid, group)) {
        noRoom();
        break;
      }
      entered = group;
    }
  }
}

function isRoomFor(mapFd: number, pid: number, group: Uint8Array): boolean {
  try {
    updateMap(mapFd, Uint32Array.of(pid), group);
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

/**
 * Whether a process has several threads. It makes only one system call, because most processes have only one thread:
 * the link count of /proc/PID/task is the number of threads plus two.
 */
function hasThreads(pid: number): boolean {
  try {
    return statSync(`/proc/${pid}/task`).nlink - 2 > 1;
  } catch {
    return false; // gone while we looked
  }
}

/** A struct thread_group; null if the process is gone. */
function readThreadGroup(pid: number): Uint8Array<ArrayBuffer> | null {
  const stat = readProcStat(pid);
  if (stat === null) return null;
  // A leader that ends before other threads counts as a thread until the process ends.
  const extraThreads = stat.threads - 1 - (stat.state === "Z" || stat.state === "X" ? 1 : 0);
  if (extraThreads < 0) return null;
  const bytes = new Uint8Array(THREAD_GROUP.size);
  new DataView(bytes.buffer).setUint32(THREAD_GROUP.extra_threads, extraThreads, true);
  bytes.set(Buffer.from(stat.comm, "latin1").subarray(0, COMM_LEN - 1), THREAD_GROUP.comm);
  return bytes;
}
