import { closeSync } from "node:fs";
import { EXIT, LinnixError } from "../errors.ts";
import { errnoName } from "../sys/errno.ts";
import { BPF_CMD, BpfAttr, bpf } from "./cost-bpf.ts";

/** Facts about a loaded BPF program; `struct bpf_prog_info` in include/uapi/linux/bpf.h. */
export interface BpfProgramInfo {
  id: number;
  /** enum bpf_prog_type. */
  type: number;
  /** Up to 15 characters of the program's name; empty if it has none. */
  name: string;
  /** Hash of the instructions, 16 hex digits. */
  tag: string;
  /** Ids of the maps that the program uses. */
  mapIds: number[];
  /** Bytes of machine code. */
  jitedBytes: number;
  /** Time in the program and number of runs while statistics were on (see `enableRunTimeStats`), since its load. */
  runTimeNs: bigint;
  runCnt: bigint;
  /** Runs that were skipped because the program was running already; null before Linux 5.12. */
  recursionMisses: bigint | null;
  /**
   * Number of instructions that the verifier checked, counting repeated checks of an instruction; null before Linux
   * 5.16.
   */
  verifiedInstructions: number | null;
}

/** Byte offsets in `struct bpf_prog_info`, an interface that only ever grows at its end. */
export const PROG_INFO_OFFSET = {
  type: 0,
  id: 4,
  tag: 8,
  jited_prog_len: 16,
  nr_map_ids: 52,
  map_ids: 56,
  name: 64,
  run_time_ns: 192,
  run_cnt: 200,
  recursion_misses: 208,
  verified_insns: 216,
} as const;

const PROG_INFO_BYTES = 232;
const TAG_BYTES = 8;
const NAME_BYTES = 16;
/** The kernel allows 64 maps per program (MAX_USED_MAPS). */
const MAX_MAPS = 64;

const ENOENT = -2;

/** Ids of all BPF programs that are loaded now, ascending. Needs CAP_SYS_ADMIN. */
export function listProgramIds(): number[] {
  const ids: number[] = [];
  const attr = new BpfAttr();
  for (;;) {
    attr.setU32(0, ids.at(-1) ?? 0);
    const result = bpf(BPF_CMD.progGetNextId, attr);
    if (result === ENOENT) return ids;
    // attr.next_id, behind attr.start_id.
    if (result === 0) ids.push(attr.getU32(4));
    else throw bpfError("list the BPF programs", result);
  }
}

/** Facts about the programs that are loaded now, by id. Needs CAP_SYS_ADMIN. */
export function readPrograms(ids: Iterable<number> = listProgramIds()): Map<number, BpfProgramInfo> {
  using handles = new ProgramHandles(ids);
  return handles.read();
}

/**
 * Open file descriptors of BPF programs. They make repeated reading cheap, and keep the programs loaded (not
 * attached). So the run time of a program can be read even after the process that attached it is gone.
 */
export class ProgramHandles implements Disposable {
  readonly #fdById = new Map<number, number>();

  /** Skips ids of programs that no longer exist. {@link ProgramHandles.ids} returns the ids of the open programs. */
  constructor(ids: Iterable<number> = []) {
    for (const id of ids) this.add(id);
  }

  get ids(): number[] {
    return [...this.#fdById.keys()];
  }

  /** @returns false if there is no such program (any more) */
  add(id: number): boolean {
    if (this.#fdById.has(id)) return true;
    const fd = bpf(BPF_CMD.progGetFdById, new BpfAttr().setU32(0, id));
    if (fd === ENOENT) return false;
    if (fd < 0) {
      this.close();
      throw bpfError(`open BPF program ${id}`, fd);
    }
    this.#fdById.set(id, fd);
    return true;
  }

  read(): Map<number, BpfProgramInfo> {
    return new Map([...this.#fdById].map(([id, fd]) => [id, readProgramInfo(fd)]));
  }

  close(): void {
    for (const fd of this.#fdById.values()) closeSync(fd);
    this.#fdById.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Facts about the program behind a file descriptor. */
export function readProgramInfo(fd: number): BpfProgramInfo {
  const info = new Uint8Array(PROG_INFO_BYTES);
  const view = new DataView(info.buffer);
  const mapIds = new Uint32Array(MAX_MAPS);
  // The kernel writes as many ids as there is room for and says how many there are.
  view.setUint32(PROG_INFO_OFFSET.nr_map_ids, MAX_MAPS, true);
  const attr = new BpfAttr().setU32(0, fd).setU32(4, PROG_INFO_BYTES).setPointer(8, info);
  view.setBigUint64(PROG_INFO_OFFSET.map_ids, attr.address(mapIds), true);
  const result = bpf(BPF_CMD.objGetInfoByFd, attr);
  if (result < 0) throw bpfError("read a BPF program's figures", result);
  const given = attr.getU32(4);
  const bytes = (offset: number, length: number): Buffer => Buffer.from(info.buffer, offset, length);
  const name = bytes(PROG_INFO_OFFSET.name, NAME_BYTES);
  return {
    id: view.getUint32(PROG_INFO_OFFSET.id, true),
    type: view.getUint32(PROG_INFO_OFFSET.type, true),
    name: name.toString("latin1", 0, name.includes(0) ? name.indexOf(0) : NAME_BYTES),
    tag: bytes(PROG_INFO_OFFSET.tag, TAG_BYTES).toString("hex"),
    mapIds: [...mapIds.subarray(0, Math.min(view.getUint32(PROG_INFO_OFFSET.nr_map_ids, true), MAX_MAPS))],
    jitedBytes: view.getUint32(PROG_INFO_OFFSET.jited_prog_len, true),
    runTimeNs: view.getBigUint64(PROG_INFO_OFFSET.run_time_ns, true),
    runCnt: view.getBigUint64(PROG_INFO_OFFSET.run_cnt, true),
    recursionMisses:
      given >= PROG_INFO_OFFSET.recursion_misses + 8
        ? view.getBigUint64(PROG_INFO_OFFSET.recursion_misses, true)
        : null,
    verifiedInstructions:
      given >= PROG_INFO_OFFSET.verified_insns + 4 ? view.getUint32(PROG_INFO_OFFSET.verified_insns, true) : null,
  };
}

/** The error message for a failed bpf(2). `result` is the negative error number. */
export function bpfError(what: string, result: number): LinnixError {
  const name = errnoName(-result);
  const refused = name === "EPERM" || name === "EACCES";
  return new LinnixError("cannot-run.bpf", EXIT.cannotRun, {
    what: `cannot ${what}`,
    why: refused ? `the kernel refused it (${name})` : `bpf(2) returned ${name}`,
    hint: refused ? "run it as root (CAP_SYS_ADMIN is needed)" : undefined,
  });
}
