/** A BPF object: opened from memory, set up, loaded, closed. */
import { checkLibbpf, checkPointer, NativeError } from "./errno.ts";
import { libbpf } from "./libbpf.ts";
import { addressOf, type Pointer, viewOf } from "./native.ts";
import { withoutSignals } from "./signal-mask.ts";

/** A program that the kernel's verifier refused, or another failure to load. */
export class BpfLoadError extends Error {
  override readonly name = "BpfLoadError";

  /**
   * @param object name of the object
   * @param errno positive errno value of the load
   * @param verifierLog the kernel's log of the program that failed; empty where it did not get that far
   */
  constructor(
    readonly object: string,
    readonly errno: number,
    readonly verifierLog: string,
    cause: NativeError,
  ) {
    super(
      `BPF object ${object} could not be loaded: ${[cause.code, verifierSummary(verifierLog)].filter(Boolean).join(": ")}`,
      { cause },
    );
  }
}

/** An instruction, and what the verifier knows or does beside it. */
const INSTRUCTION = /^\d+: \([0-9a-f]{2}\)/;
const STATE = /^(;|\d+: R|from \d+ to \d+|R\d+(_\w+)?=|frame\d+:|mark_precise|last_idx|regs=|parent |stack=)/;

/** The line of a verifier's log that says what is wrong: the first after the last instruction; hints may follow it. */
export function verifierSummary(log: string): string {
  const lines = log.split("\n").filter((line) => line && !line.startsWith("processed ") && !line.startsWith("-- "));
  const last = lines.findLastIndex((line) => INSTRUCTION.test(line));
  const said = lines.slice(last + 1).filter((line) => !STATE.test(line));
  return said[0] ?? lines.at(-1) ?? "";
}

const LOG_BYTES = 64 * 1024;

/** struct bpf_object_open_opts of libbpf ≥ 0.7, filled in as far as it is used here. */
function openOptions(name: Uint8Array, log: Uint8Array): BigUint64Array {
  const options = new BigUint64Array(10);
  options[0] = BigInt(options.byteLength); // size_t sz
  options[1] = BigInt(addressOf(name)); // const char *object_name
  options[7] = BigInt(addressOf(log)); // char *kernel_log_buf
  options[8] = BigInt(log.length); // size_t kernel_log_size
  return options;
}

/** An opened, later loaded, BPF object. `close()` unloads what no link holds. */
export class BpfObject implements Disposable {
  readonly name: string;
  #object: Pointer | null;
  /** libbpf keeps pointers into these until the object is closed. */
  readonly #log = new Uint8Array(LOG_BYTES);
  readonly #name: Uint8Array;

  private constructor(name: string, bytes: Uint8Array) {
    this.name = name;
    this.#name = new TextEncoder().encode(`${name}\0`);
    const options = openOptions(this.#name, this.#log);
    this.#object = checkPointer(
      `opening BPF object ${name}`,
      libbpf().bpf_object__open_mem(addressOf(bytes), bytes.length, addressOf(options)),
    );
  }

  /** @throws NativeError when the bytes are no BPF object */
  static open(name: string, bytes: Uint8Array): BpfObject {
    return new BpfObject(name, bytes);
  }

  get #open(): Pointer {
    if (this.#object === null) throw new Error(`BPF object ${this.name} is closed`);
    return this.#object;
  }

  /** The initial value of the read-only data: writable until `load()`. */
  get readOnlyData(): Uint8Array {
    return this.#initialValue(".rodata");
  }

  #initialValue(map: string): Uint8Array {
    const size = new BigUint64Array(1);
    const value = libbpf().bpf_map__initial_value(this.map(map), addressOf(size));
    return new Uint8Array(viewOf(checkPointer(`initial value of ${map}`, value), Number(size[0])));
  }

  /** @throws NativeError (ENOENT) when the object has no such map */
  map(name: string): Pointer {
    return checkPointer(`BPF map ${name}`, libbpf().bpf_object__find_map_by_name(this.#open, name));
  }

  mapFd(name: string): number {
    return checkLibbpf(`BPF map ${name}`, libbpf().bpf_map__fd(this.map(name)));
  }

  /** Only before `load()`. */
  setMaxEntries(map: string, entries: number): void {
    checkLibbpf(`size of BPF map ${map}`, libbpf().bpf_map__set_max_entries(this.map(map), entries));
  }

  /** Only before `load()`. */
  setValueSize(map: string, bytes: number): void {
    checkLibbpf(`value size of BPF map ${map}`, libbpf().bpf_map__set_value_size(this.map(map), bytes));
  }

  /** Leaves a program out; only before `load()`. */
  leaveOut(program: string): void {
    checkLibbpf(`leaving out ${program}`, libbpf().bpf_program__set_autoload(this.program(program), false));
  }

  /** Takes the map behind `fd`, of another object, in place of its own; only before `load()`. `fd` stays its owner's. */
  reuseMap(map: string, fd: number): void {
    checkLibbpf(`map of another object for ${map}`, libbpf().bpf_map__reuse_fd(this.map(map), fd));
  }

  /** @throws NativeError (ENOENT) when the object has no such program */
  program(name: string): Pointer {
    return checkPointer(`BPF program ${name}`, libbpf().bpf_object__find_program_by_name(this.#open, name));
  }

  programFd(name: string): number {
    return checkLibbpf(`BPF program ${name}`, libbpf().bpf_program__fd(this.program(name)));
  }

  /**
   * Creates the maps and loads the programs.
   * @throws BpfLoadError with the verifier's log
   */
  load(): void {
    const { bpf_object__load } = libbpf();
    const object = this.#open;
    // The verifier gives up (EAGAIN) where a signal waits, and libbpf after it has tried that five times.
    const result = withoutSignals(() => bpf_object__load(object));
    if (result >= 0) return;
    const end = this.#log.indexOf(0);
    const log = new TextDecoder().decode(this.#log.subarray(0, end < 0 ? LOG_BYTES : end));
    throw new BpfLoadError(this.name, -result, log, new NativeError("bpf_object__load", -result));
  }

  close(): void {
    if (this.#object === null) return;
    libbpf().bpf_object__close(this.#object);
    this.#object = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
