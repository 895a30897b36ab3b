/** Running a program of type syscall: it runs for whoever asks, and gives its answer in the memory that it was given. */
import { checkLibc } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { addressOf } from "../sys/native.ts";

/** bpf(2), by architecture. */
const BPF: Record<string, bigint> = { x64: 321n, arm64: 280n };
/** include/uapi/linux/bpf.h: enum bpf_cmd. */
const BPF_PROG_TEST_RUN = 10n;
/** Offsets in union bpf_attr, struct test. */
const RETVAL = 4;
const CTX_SIZE_IN = 40;
const CTX_IN = 48;
const ATTRIBUTE_BYTES = 80;

/** A loaded program, ready to be run again and again; nothing is allocated for a run. */
export class BpfRun {
  readonly #number: bigint;
  readonly #attributes = new Uint8Array(ATTRIBUTE_BYTES);
  readonly #view = new DataView(this.#attributes.buffer);
  readonly #address: bigint;
  /** The kernel writes there: it stays referenced. */
  readonly #context: Uint8Array;

  /** @param context what the program is given, and may write to; one whose `buffer` has been asked for already */
  constructor(programFd: number, context: Uint8Array) {
    const number = BPF[process.arch];
    if (number === undefined) throw new Error(`bpf(2) has no known number on ${process.arch}`);
    this.#number = number;
    this.#context = context;
    const view = this.#view;
    view.setUint32(0, programFd, true);
    view.setUint32(CTX_SIZE_IN, context.length, true);
    view.setBigUint64(CTX_IN, BigInt(addressOf(this.#context)), true);
    // Its buffer has been asked for: that moves a small array's memory.
    this.#address = BigInt(addressOf(this.#attributes));
  }

  /**
   * @returns what the program returned
   * @throws NativeError when the kernel does not let it run
   */
  run(): number {
    const result = libc().syscall(this.#number, BPF_PROG_TEST_RUN, this.#address, BigInt(ATTRIBUTE_BYTES), 0n, 0n);
    checkLibc("running a BPF program", Number(result));
    return this.#view.getInt32(RETVAL, true);
  }
}
