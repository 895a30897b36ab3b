/**
 * A memory-mapped array that BPF programs write, with one struct of u64 members per possible CPU. Reads make no system
 * call.
 */
export class CpuArray {
  readonly cpus: number;
  readonly #values: BigUint64Array;
  /** The same memory in 32-bit words, to detect a change without BigInt. linnix runs only on little-endian machines. */
  readonly #words: Uint32Array;
  readonly #stride: number;

  /** @param structBytes size of the struct of one CPU */
  constructor(memory: ArrayBuffer, structBytes: number) {
    this.#values = new BigUint64Array(memory);
    this.#words = new Uint32Array(memory);
    this.#stride = structBytes / 8;
    this.cpus = memory.byteLength / structBytes;
  }

  /** @param offset of the member, bytes */
  at(cpu: number, offset: number): number {
    return Number(this.#values[cpu * this.#stride + offset / 8]);
  }

  /** The lower 32 bits of a member: enough to see that a counter has moved. */
  lowAt(cpu: number, offset: number): number {
    return this.#words[2 * cpu * this.#stride + offset / 4] as number;
  }

  /** Sum of a member over all CPUs. */
  sum(offset: number): number {
    let sum = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) sum += this.at(cpu, offset);
    return sum;
  }
}
