import { closeSync, readSync } from "node:fs";
import { type BpfLink, openIterator } from "./bpf-link.ts";

/** A read returns at most eight pages (kernel/bpf/bpf_iter.c). */
const READ_BYTES = 64 * 1024;

/** Reads what an iterator program writes: records that all have the same size. */
export class IteratorReader {
  /** The records of the current pass. */
  readonly u8 = new Uint8Array(READ_BYTES);
  readonly u32 = new Uint32Array(this.u8.buffer);

  /**
   * One pass of the iterator from its start.
   * @param each gets the offset of a record in `u8`, which is invalid after it returns. It returns true if this is the
   *   last record
   * @returns false if the pass ended before `each` returned true
   */
  pass(link: BpfLink, recordBytes: number, each: (at: number) => boolean): boolean {
    const fd = openIterator(link);
    try {
      let kept = 0;
      for (;;) {
        const got = this.#read(fd, kept);
        if (got === 0) return false;
        const end = kept + got;
        let at = 0;
        for (; at + recordBytes <= end; at += recordBytes) if (each(at)) return true;
        // A record may be split between two reads.
        this.u8.copyWithin(0, at, end);
        kept = end - at;
      }
    } finally {
      closeSync(fd);
    }
  }

  #read(fd: number, kept: number): number {
    for (;;) {
      try {
        return readSync(fd, this.u8, kept, READ_BYTES - kept, null);
      } catch (error) {
        // The kernel returns EAGAIN after a million tasks without a record. The next read continues from there.
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
    }
  }
}
