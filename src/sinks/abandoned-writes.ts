import type { BackgroundWrite } from "./background-write.ts";
import { closeFile } from "./file-calls.ts";

interface AbandonedWrite {
  fd: number;
  background: BackgroundWrite;
  lines: Uint8Array;
}

/**
 * Writes that were still running when the output changed to another file. Their descriptors stay open until they end.
 */
export class AbandonedWrites {
  readonly #writes: AbandonedWrite[] = [];

  get isEmpty(): boolean {
    return this.#writes.length === 0;
  }

  /** @param lines the lines that the write was started with */
  add(fd: number, background: BackgroundWrite, lines: Uint8Array): void {
    this.#writes.push({ fd, background, lines });
  }

  /**
   * Closes the files whose write has ended.
   * @param missing called with the lines that were not written
   * @returns how many bytes were written
   */
  reap(missing: (lines: Uint8Array) => void): number {
    let writtenBytes = 0;
    for (let i = this.#writes.length - 1; i >= 0; i--) {
      const { fd, background, lines } = this.#writes[i] as AbandonedWrite;
      let written: number | null = 0;
      try {
        written = background.result();
      } catch {
        // The write failed: nothing was written.
      }
      if (written === null) continue;
      writtenBytes += written;
      if (written < lines.length) missing(lines.subarray(written));
      this.#writes.splice(i, 1);
      closeFile(fd).catch(() => {});
    }
    return writtenBytes;
  }

  /**
   * Reports the lines of all writes as missing, because linnix does not wait for these writes any more.
   * @param missing called with the lines of each write
   */
  giveUp(missing: (lines: Uint8Array) => void): void {
    for (const write of this.#writes) {
      missing(write.lines);
      write.lines = new Uint8Array();
    }
  }
}
