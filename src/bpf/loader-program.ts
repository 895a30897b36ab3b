/** Loads a BPF object by a program that libbpf generates for that. bpftool calls such a program a light skeleton. */
import { closeSync } from "node:fs";
import { checkLibbpf, NativeError } from "../sys/errno.ts";
import { addressOf, type Pointer, viewOf } from "../sys/native.ts";
import { withoutSignals } from "../sys/signal-mask.ts";
import { BpfRun } from "./cost-bpf.ts";
import { libbpf } from "./libbpf.ts";

/** include/uapi/linux/bpf.h */
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_PROG_TYPE_SYSCALL = 31;
const BPF_F_SLEEPABLE = 1 << 4;

/** struct gen_loader_opts. */
const GEN_LOADER_OPTS = { size: 32, data: 8, insns: 16, dataSize: 24, insnsSize: 28 } as const;
/** struct bpf_prog_load_opts, with only the members that linnix uses. */
const PROG_LOAD_OPTS = { size: 56, progFlags: 20, fdArray: 48 } as const;
/**
 * A struct bpf_loader_ctx, followed by a struct bpf_map_desc for each map and a struct bpf_prog_desc for each program.
 */
const LOADER_CTX_BYTES = 24;
const MAP_DESC_BYTES = 16;
const PROG_DESC_BYTES = 4;
const INSN_BYTES = 8;
const FD_BYTES = 4;

const EINVAL = 22;

/** The descriptors of what was loaded; the caller closes them. */
export interface Loaded {
  maps: number[];
  programs: number[];
}

/**
 * Lets the kernel create the maps and load the programs of an object that is opened and set up, but not loaded. The
 * kernel relocates the programs with its own BTF, which it has in memory. libbpf would read and parse this BTF for each
 * object: 5 MB twice, which takes 15 ms. Needs Linux 5.17.
 *
 * @param object can only be closed afterwards, even if this fails
 * @param mapCount how many maps the object has. None may be shared, because a program that libbpf generates can only
 *   create new maps
 * @param programCount how many programs of the object to load
 * @throws NativeError if this kernel does not support it, or refuses a map or a program. The kernel then closes what it
 *   has created
 */
export function loadByProgram(object: Pointer, mapCount: number, programCount: number): Loaded {
  const { data, insns } = writeProgram(object);
  const behindMaps = LOADER_CTX_BYTES + mapCount * MAP_DESC_BYTES;
  const context = new Uint8Array(behindMaps + programCount * PROG_DESC_BYTES);
  const view = new DataView(context.buffer);
  view.setUint32(0, context.length, true);
  const status = runProgram(data, insns, context);
  if (status < 0) throw new NativeError("loading a BPF object", -status);
  const fdAt = (offset: number) => view.getInt32(offset, true);
  const maps = Array.from({ length: mapCount }, (_, i) => fdAt(LOADER_CTX_BYTES + i * MAP_DESC_BYTES));
  const programs = Array.from({ length: programCount }, (_, i) => fdAt(behindMaps + i * PROG_DESC_BYTES));
  // The program reports success, but descriptors are missing. So this libbpf uses another layout.
  if ([...maps, ...programs].some((fd) => fd <= 0)) throw new NativeError("finding what was loaded", EINVAL);
  return { maps, programs };
}

/** Lets libbpf generate the program. The result is memory of the object, valid until the object is closed. */
function writeProgram(object: Pointer): { data: ArrayBuffer; insns: ArrayBuffer } {
  const { bpf_object__gen_loader, bpf_object__load } = libbpf();
  const options = new BigUint64Array(GEN_LOADER_OPTS.size / 8);
  options[0] = BigInt(GEN_LOADER_OPTS.size);
  checkLibbpf("bpf_object__gen_loader", bpf_object__gen_loader(object, addressOf(options)));
  checkLibbpf("bpf_object__load", bpf_object__load(object));
  const view = new DataView(options.buffer);
  const memory = (at: number, size: number) =>
    viewOf(Number(view.getBigUint64(at, true)) as Pointer, view.getUint32(size, true));
  return {
    data: memory(GEN_LOADER_OPTS.data, GEN_LOADER_OPTS.dataSize),
    insns: memory(GEN_LOADER_OPTS.insns, GEN_LOADER_OPTS.insnsSize),
  };
}

/** @returns the result of the program: 0, or a negative errno */
function runProgram(data: ArrayBuffer, insns: ArrayBuffer, context: Uint8Array): number {
  const { bpf_map_create, bpf_map_update_elem, bpf_prog_load } = libbpf();
  const size = data.byteLength;
  const map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "__loader.map", FD_BYTES, size, 1, null);
  checkLibbpf("bpf_map_create", map);
  try {
    const first = new Uint32Array(1);
    const updated = bpf_map_update_elem(map, addressOf(first), addressOf(data), 0n);
    checkLibbpf("bpf_map_update_elem", updated);
    // The only descriptor that the program gets is in memory after the options.
    const options = new DataView(new ArrayBuffer(PROG_LOAD_OPTS.size + FD_BYTES));
    const address = addressOf(options.buffer);
    options.setBigUint64(0, BigInt(PROG_LOAD_OPTS.size), true);
    options.setUint32(PROG_LOAD_OPTS.progFlags, BPF_F_SLEEPABLE, true);
    options.setBigUint64(PROG_LOAD_OPTS.fdArray, BigInt(address + PROG_LOAD_OPTS.size), true);
    options.setInt32(PROG_LOAD_OPTS.size, map, true);
    // If a signal is pending, the verifier stops with EAGAIN, for this program and for those that it loads.
    return withoutSignals(() => {
      const program = bpf_prog_load(
        BPF_PROG_TYPE_SYSCALL,
        "__loader.prog",
        "Dual BSD/GPL",
        addressOf(insns),
        insns.byteLength / INSN_BYTES,
        addressOf(options.buffer),
      );
      checkLibbpf("bpf_prog_load", program);
      try {
        return new BpfRun(program, context).run();
      } finally {
        closeSync(program);
      }
    });
  } finally {
    closeSync(map);
  }
}
