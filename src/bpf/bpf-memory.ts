import { closeSync } from "node:fs";
import { parseKbFields } from "../procfs/memory.ts";
import { readProcFile } from "../procfs/proc-stat.ts";
import { readHeldBpf } from "./bpf-held.ts";
import { readPrograms } from "./bpf-programs.ts";
import { BPF_CMD, BpfAttr, bpf } from "./cost-bpf.ts";

/** Kernel memory that BPF programs, their maps and a process's perf rings take. */
export interface KernelMemory {
  /** Mapped perf rings, control pages included. */
  ringBytes: number;
  /** Maps, including ring-buffer maps. Since Linux 6.4 this is their real memory, before that an estimate. */
  mapBytes: number;
  /** Programs: instructions, their metadata, and machine code. */
  programBytes: number;
}

/** Kernel memory that processes use by their descriptors and mappings. @param programIds further programs of theirs */
export function readHeldMemory(pids: readonly number[], programIds: readonly number[] = []): KernelMemory {
  const held = pids.map(readHeldBpf);
  const programs = new Set([...programIds, ...held.flatMap((each) => each.programIds)]);
  return {
    ringBytes: pids.reduce((total, pid) => total + readPerfRingBytes(pid), 0),
    ...readBpfMemory(
      programs,
      held.flatMap(({ mapIds }) => mapIds),
    ),
  };
}

/**
 * Kernel memory of the given programs, of the maps that they use and of more maps, as the kernel accounts for it
 * (`memlock` in fdinfo). Programs and maps that no longer exist count 0. Needs CAP_SYS_ADMIN.
 */
export function readBpfMemory(
  programIds: Iterable<number>,
  mapIds: Iterable<number> = [],
): Pick<KernelMemory, "mapBytes" | "programBytes"> {
  const programs = readPrograms(programIds);
  const maps = new Set(mapIds);
  let programBytes = 0;
  for (const program of programs.values()) {
    programBytes += program.jitedBytes + memlockOf(BPF_CMD.progGetFdById, program.id);
    for (const id of program.mapIds) maps.add(id);
  }
  let mapBytes = 0;
  for (const id of maps) mapBytes += memlockOf(BPF_CMD.mapGetFdById, id);
  return { mapBytes, programBytes };
}

/** Bytes of the perf rings that a process has mapped. */
export function readPerfRingBytes(pid: number): number {
  return parsePerfRingBytes(readProcFile(`/proc/${pid}/smaps`) ?? "");
}

/** Total size of the `anon_inode:[perf_event]` mappings in the text of /proc/<pid>/smaps, bytes. */
export function parsePerfRingBytes(smaps: string): number {
  let total = 0;
  // Each entry begins with its address range; names can hold anything but a line break.
  for (const entry of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const end = entry.indexOf("\n");
    if (entry.slice(0, end).endsWith(" anon_inode:[perf_event]")) total += parseKbFields(entry).get("Size") ?? 0;
  }
  return total;
}

function memlockOf(cmd: typeof BPF_CMD.progGetFdById | typeof BPF_CMD.mapGetFdById, id: number): number {
  const fd = bpf(cmd, new BpfAttr().setU32(0, id));
  if (fd < 0) return 0;
  try {
    return Number(/^memlock:\s+(\d+)$/m.exec(readProcFile(`/proc/self/fdinfo/${fd}`) ?? "")?.[1] ?? 0);
  } finally {
    closeSync(fd);
  }
}
