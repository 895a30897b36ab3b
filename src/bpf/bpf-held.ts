import { readdirSync, readlinkSync } from "node:fs";
import { readProcFile } from "../procfs/proc-stat.ts";
import { BPF_CMD, BpfAttr, bpf } from "./cost-bpf.ts";

/** "self" is this process. /proc may not show it by its own pid, if /proc belongs to another pid namespace. */
type HolderPid = number | "self";

/** Ids of BPF objects that a process keeps in use by its file descriptors. */
export interface HeldBpf {
  /** In use directly, through a link, or through a perf event that they are attached to. */
  programIds: number[];
  mapIds: number[];
}

/**
 * Looks through the file descriptors of a process (/proc/<pid>/fdinfo) for BPF programs, links and maps, and asks the
 * kernel which program is attached to its perf events (BPF_TASK_FD_QUERY). A program that is only pinned, or attached
 * by netlink or to a cgroup without a link, does not appear there. To find such programs, also compare two snapshots of
 * all programs.
 */
export function readHeldBpf(pid: HolderPid): HeldBpf {
  const programIds = new Set<number>();
  const mapIds = new Set<number>();
  for (const fd of readFds(pid)) {
    const target = readFdTarget(pid, fd);
    if (target === "anon_inode:[perf_event]") {
      const id = programOfPerfEvent(pid, fd);
      if (id !== null) programIds.add(id);
    } else if (target.startsWith("anon_inode:bpf")) {
      const info = readProcFile(`/proc/${pid}/fdinfo/${fd}`) ?? "";
      // Both programs and links have a line prog_id.
      const programId = /^prog_id:\s+(\d+)$/m.exec(info)?.[1];
      const mapId = /^map_id:\s+(\d+)$/m.exec(info)?.[1];
      if (programId !== undefined) programIds.add(Number(programId));
      if (mapId !== undefined) mapIds.add(Number(mapId));
    }
  }
  const ascending = (ids: Set<number>): number[] => [...ids].sort((a, b) => a - b);
  return { programIds: ascending(programIds), mapIds: ascending(mapIds) };
}

/**
 * Matches fdinfo of an iterator link, which a process reads, or of a BPF_PROG_TYPE_SYSCALL program, which a process
 * runs by bpf(2) (include/uapi/linux/bpf.h).
 */
const CALLED = /^(?:link_type:\s+iter|prog_type:\s+31)$/m;

/**
 * Programs that a process itself calls: they run within its read(2) or bpf(2), so that their time is part of its own
 * CPU time already.
 */
export function calledProgramIds(pid: HolderPid): number[] {
  return readFds(pid).flatMap((fd) => {
    const info = readProcFile(`/proc/${pid}/fdinfo/${fd}`) ?? "";
    const id = CALLED.test(info) ? /^prog_id:\s+(\d+)$/m.exec(info)?.[1] : undefined;
    return id === undefined ? [] : [Number(id)];
  });
}

function readFds(pid: HolderPid): number[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(Number);
  } catch {
    return [];
  }
}

/** Empty if the descriptor has been closed meanwhile. */
function readFdTarget(pid: HolderPid, fd: number): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return "";
  }
}

function programOfPerfEvent(pid: HolderPid, fd: number): number | null {
  // attr.task_fd_query: pid, fd, flags, buf_len, buf, prog_id, …; buf stays empty, because the name is not needed.
  const attr = new BpfAttr().setU32(0, pid === "self" ? process.pid : pid).setU32(4, fd);
  return bpf(BPF_CMD.taskFdQuery, attr) === 0 ? attr.getU32(24) : null;
}
