/** A BPF object: opened from memory, set up, loaded, closed. */
import { closeSync, existsSync } from "node:fs";
import { checkLibbpf, checkPointer, NativeError } from "../sys/errno.ts";
import { addressOf, type Pointer } from "../sys/native.ts";
import { withoutSignals } from "../sys/signal-mask.ts";
import { BpfLoadError } from "./bpf-load-error.ts";
import type { BpfMap } from "./bpf-map.ts";
import { libbpf } from "./libbpf.ts";
import { loadByProgram } from "./loader-program.ts";
import { initialValue, mapOf, mapsOf, nameOfMap, nameOfProgram, programOf, programsOf } from "./object-parts.ts";

/** The kernel's description of its types (BTF). A kernel without this file counts as a kernel without BTF. */
export const KERNEL_BTF = "/sys/kernel/btf/vmlinux";

/** Size of the buffer for the log of the verifier. */
const LOG_BYTES = 64 * 1024;
/** If the log does not fit, kernels before 6.4 store its beginning, and return ENOSPC instead of the real error. */
const LARGE_LOG_BYTES = 8 * 1024 * 1024;
const ENOSPC = 28;

/**
 * Maximum attempts to load an object if signals interrupt the verifier. In each attempt, libbpf tries a program five
 * times.
 */
const LOAD_ATTEMPTS = 5;
const EAGAIN = 11;

/** struct bpf_object_open_opts of libbpf ≥ 0.7, with only the members that linnix uses. */
function openOptions(name: Uint8Array, log: Uint8Array): BigUint64Array {
  const options = new BigUint64Array(10);
  options[0] = BigInt(options.byteLength); // size_t sz
  options[1] = BigInt(addressOf(name)); // const char *object_name
  options[7] = BigInt(addressOf(log)); // char *kernel_log_buf
  options[8] = BigInt(log.length); // size_t kernel_log_size
  return options;
}

/** include/uapi/linux/bpf.h: enum bpf_prog_type. */
const BPF_PROG_TYPE_TRACEPOINT = 5;
/** include/uapi/linux/bpf.h: enum bpf_map_type, and a flag of hash maps. */
const BPF_MAP_TYPE_HASH = 1;
const BPF_F_NO_PREALLOC = 1;

/** A program of a loaded object. */
export interface BpfProgram {
  fd: number;
  /** enum bpf_attach_type of include/uapi/linux/bpf.h. */
  attachType: number;
}

/** A change to an object before it is loaded. */
type Setting = (object: Pointer) => void;

/**
 * A BPF object that is opened, and loaded later. `close()` unloads it, except for programs that a link keeps loaded.
 */
export class BpfObject implements Disposable {
  readonly name: string;
  /** The bytes of the object; null once it is loaded. */
  #bytes: Uint8Array | null;
  /** libbpf keeps pointers into these until its object is closed. */
  #log = new Uint8Array(LOG_BYTES);
  readonly #name: Uint8Array;
  /** The object of libbpf; null once it is no longer needed. */
  #object: Pointer | null;
  #readOnlyData: Uint8Array | null = null;
  /** All changes so far, to repeat them with a new object of libbpf after a failed load. */
  readonly #settings: Setting[] = [];
  /** Descriptors of maps of other objects, by the name of the map that they replace. */
  readonly #given = new Map<string, number>();
  readonly #maps = new Map<string, BpfMap>();
  readonly #programs = new Map<string, BpfProgram>();
  /** Descriptors that libbpf does not close. */
  #fds: number[] = [];
  #loadedBy: "program" | "libbpf" | null = null;

  private constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#bytes = bytes;
    this.#name = new TextEncoder().encode(`${name}\0`);
    this.#object = this.#openAnew();
  }

  /** @throws NativeError when the bytes are no BPF object */
  static open(name: string, bytes: Uint8Array): BpfObject {
    return new BpfObject(name, bytes);
  }

  #openAnew(): Pointer {
    const bytes = this.#bytes ?? new Uint8Array();
    const options = openOptions(this.#name, this.#log);
    const opened = libbpf().bpf_object__open_mem(addressOf(bytes), bytes.length, addressOf(options));
    return checkPointer(`opening BPF object ${this.name}`, opened);
  }

  get #open(): Pointer {
    if (this.#object === null) throw new Error(`BPF object ${this.name} is loaded or closed`);
    return this.#object;
  }

  /** How it was loaded: by a program in the kernel, or by libbpf, which takes longer and more memory; null: not yet. */
  get loadedBy(): "program" | "libbpf" | null {
    return this.#loadedBy;
  }

  /** The initial value of the read-only data. Changes before `load()` take effect. */
  get readOnlyData(): Uint8Array {
    this.#readOnlyData ??= initialValue(this.#open, ".rodata").slice();
    return this.#readOnlyData;
  }

  #set(setting: Setting): void {
    setting(this.#open);
    this.#settings.push(setting);
  }

  /** Only before `load()`. @throws NativeError (ENOENT) when the object has no such map */
  setMaxEntries(map: string, entries: number): void {
    this.#set((object) =>
      checkLibbpf(`size of BPF map ${map}`, libbpf().bpf_map__set_max_entries(mapOf(object, map), entries)),
    );
  }

  /** Only before `load()`. @throws NativeError (ENOENT) when the object has no such map */
  setValueSize(map: string, bytes: number): void {
    this.#set((object) =>
      checkLibbpf(`value size of BPF map ${map}`, libbpf().bpf_map__set_value_size(mapOf(object, map), bytes)),
    );
  }

  /**
   * Bytes of a key and a value of a map, each rounded up to 8. @throws NativeError (ENOENT) when there is no such map
   */
  dataBytes(map: string): number {
    const { bpf_map__key_size, bpf_map__value_size } = libbpf();
    const found = mapOf(this.#open, map);
    return 8 * (Math.ceil(bpf_map__key_size(found) / 8) + Math.ceil(bpf_map__value_size(found) / 8));
  }

  /** Makes the kernel allocate all elements of each hash map when it creates the map; only before `load()`. */
  preallocateMaps(): void {
    const { bpf_map__type, bpf_map__map_flags, bpf_map__set_map_flags } = libbpf();
    this.#set((object) => {
      for (const map of mapsOf(object)) {
        if (bpf_map__type(map) !== BPF_MAP_TYPE_HASH) continue;
        const flags = bpf_map__map_flags(map) & ~BPF_F_NO_PREALLOC;
        checkLibbpf(`flags of BPF map ${nameOfMap(map)}`, bpf_map__set_map_flags(map, flags));
      }
    });
  }

  /** Leaves a program out; only before `load()`. @throws NativeError (ENOENT) when the object has no such program */
  leaveOut(program: string): void {
    this.#set((object) =>
      checkLibbpf(`leaving out ${program}`, libbpf().bpf_program__set_autoload(programOf(object, program), false)),
    );
  }

  /**
   * Uses the map `fd` of another object instead of its own; only before `load()`. The caller still has to close `fd`.
   */
  reuseMap(map: string, fd: number): void {
    mapOf(this.#open, map);
    this.#given.set(map, fd);
  }

  /** Only after `load()`. */
  map(name: string): BpfMap {
    const map = this.#maps.get(name);
    if (!map) throw new Error(`BPF object ${this.name} has no map ${name}, or is not loaded`);
    return map;
  }

  mapFd(name: string): number {
    return this.map(name).fd;
  }

  /** Only after `load()`. */
  program(name: string): BpfProgram {
    const program = this.#programs.get(name);
    if (!program) throw new Error(`BPF object ${this.name} has no program ${name}, or is not loaded`);
    return program;
  }

  programFd(name: string): number {
    return this.program(name).fd;
  }

  /**
   * Creates the maps and loads the programs.
   * @throws BpfLoadError with the verifier's log
   */
  load(): void {
    for (let attempt = 1; ; attempt++) {
      try {
        if (!this.#loadByProgram()) this.#loadByLibbpf();
        break;
      } catch (error) {
        if (!(error instanceof BpfLoadError)) throw error;
        const isLogFull = error.errno === ENOSPC && this.#log.length < LARGE_LOG_BYTES;
        // EAGAIN: a signal that cannot be blocked, such as SIGSTOP, or a tracer has interrupted the verifier.
        if (!isLogFull && (error.errno !== EAGAIN || attempt >= LOAD_ATTEMPTS)) throw error;
        if (isLogFull) this.#log = new Uint8Array(LARGE_LOG_BYTES);
        this.#reopen();
      }
    }
    this.#bytes = null;
    this.#settings.length = 0;
  }

  /** @returns whether the object is loaded now; if not, its state is the same as before */
  #loadByProgram(): boolean {
    const object = this.#open;
    const programs = programsOf(object).filter((program) => libbpf().bpf_program__autoload(program));
    // Classic tracepoints do not need the kernel's types. They are for kernels without BTF tracepoints.
    const isClassic = programs.some((program) => libbpf().bpf_program__type(program) === BPF_PROG_TYPE_TRACEPOINT);
    if (isClassic || this.#given.size > 0 || !existsSync(KERNEL_BTF)) return false;
    const maps = mapsOf(object);
    this.#writeReadOnlyData(object);
    try {
      const loaded = loadByProgram(object, maps.length, programs.length);
      this.#fds = [...loaded.maps, ...loaded.programs];
      maps.forEach((map, place) => void this.#enterMap(map, loaded.maps[place] as number));
      programs.forEach((program, place) => void this.#enterProgram(program, loaded.programs[place] as number));
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      this.#reopen();
      return false;
    }
    this.#loadedBy = "program";
    this.#object = null;
    libbpf().bpf_object__close(object);
    return true;
  }

  /** Restores the state before a failed load. */
  #reopen(): void {
    const object = this.#open;
    this.#object = null;
    libbpf().bpf_object__close(object);
    this.#object = this.#openAnew();
    for (const setting of this.#settings) setting(this.#object);
  }

  #loadByLibbpf(): void {
    const { bpf_object__load, bpf_map__reuse_fd, bpf_map__fd, bpf_program__fd, bpf_program__autoload } = libbpf();
    const object = this.#open;
    this.#writeReadOnlyData(object);
    for (const [name, fd] of this.#given) {
      checkLibbpf(`map of another object for ${name}`, bpf_map__reuse_fd(mapOf(object, name), fd));
    }
    // The verifier stops with EAGAIN if a signal is pending. libbpf retries five times, then it fails too.
    const result = withoutSignals(() => bpf_object__load(object));
    if (result < 0) {
      const end = this.#log.indexOf(0);
      const log = new TextDecoder().decode(this.#log.subarray(0, end < 0 ? this.#log.length : end));
      throw new BpfLoadError(this.name, -result, log, new NativeError("bpf_object__load", -result));
    }
    for (const map of mapsOf(object)) this.#enterMap(map, bpf_map__fd(map));
    for (const program of programsOf(object)) {
      if (bpf_program__autoload(program)) this.#enterProgram(program, bpf_program__fd(program));
    }
    this.#loadedBy = "libbpf";
  }

  #writeReadOnlyData(object: Pointer): void {
    if (this.#readOnlyData) initialValue(object, ".rodata").set(this.#readOnlyData);
  }

  #enterMap(map: Pointer, fd: number): void {
    const { bpf_map__max_entries, bpf_map__key_size, bpf_map__value_size } = libbpf();
    this.#maps.set(nameOfMap(map), {
      fd,
      maxEntries: bpf_map__max_entries(map),
      keyBytes: bpf_map__key_size(map),
      valueBytes: bpf_map__value_size(map),
    });
  }

  #enterProgram(program: Pointer, fd: number): void {
    const attachType = libbpf().bpf_program__expected_attach_type(program);
    this.#programs.set(nameOfProgram(program), { fd, attachType });
  }

  close(): void {
    this.#maps.clear();
    this.#programs.clear();
    for (const fd of this.#fds.splice(0)) closeSync(fd);
    if (this.#object === null) return;
    libbpf().bpf_object__close(this.#object);
    this.#object = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
