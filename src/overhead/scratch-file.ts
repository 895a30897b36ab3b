import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { PrivateFolder } from "../sys/private-folder.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * An unlinked file in the temporary folder that a program appends to and this process reads. The kernel removes it with
 * its last file descriptor, however this process ends.
 */
export class ScratchFile implements Disposable {
  readonly fd: number;
  #open = true;

  constructor(folder: PrivateFolder) {
    const path = join(folder.path, "scratch");
    const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    this.fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    unlinkSync(path);
  }

  get bytes(): number {
    return fstatSync(this.fd).size;
  }

  /** All lines of the file. A last line without a line end is incomplete and left out. */
  *lines(): Generator<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(CHUNK_BYTES);
    let rest = "";
    for (let at = 0; ; ) {
      const got = readSync(this.fd, buffer, 0, CHUNK_BYTES, at);
      if (got === 0) return;
      at += got;
      const lines = (rest + decoder.decode(buffer.subarray(0, got), { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  }

  /** Empties the file if it is longer than `bytes`. */
  keepBelow(bytes: number): void {
    if (this.bytes > bytes) ftruncateSync(this.fd);
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }
}
