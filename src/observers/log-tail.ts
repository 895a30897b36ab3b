import { statSync } from "node:fs";
import { fileBytes } from "./launch.ts";
import { readLines } from "./lines.ts";
import { newTally, type Tally } from "./observer.ts";

/** Reads the lines that a log gets after this object is made, even if its daemon rotates the log once. */
export class LogTail {
  readonly #path: string;
  readonly #fromByte: number;
  readonly #inode: number;

  constructor(path: string) {
    this.#path = path;
    const stat = statSync(path, { throwIfNoEntry: false });
    this.#fromByte = stat?.size ?? 0;
    this.#inode = stat?.ino ?? 0;
  }

  /** The files that now have the new lines, and the offset of the first new line in each file. */
  #files(): { path: string; fromByte: number }[] {
    const inode = statSync(this.#path, { throwIfNoEntry: false })?.ino;
    if (inode === undefined) return [];
    if (this.#inode === 0) return [{ path: this.#path, fromByte: 0 }];
    if (inode === this.#inode) return [{ path: this.#path, fromByte: this.#fromByte }];
    const rotated = { path: `${this.#path}.1`, fromByte: this.#fromByte };
    return [...(fileBytes(rotated.path) > rotated.fromByte ? [rotated] : []), { path: this.#path, fromByte: 0 }];
  }

  *lines(tally: Pick<Tally, "cutLines">): Generator<string> {
    for (const { path, fromByte } of this.#files()) yield* readLines(path, tally, fromByte);
  }

  /** Lines of the last 64 KiB, to check whether a record has arrived. The first line can be incomplete. */
  tailLines(): Iterable<string> {
    const size = fileBytes(this.#path);
    return size === 0 ? [] : readLines(this.#path, newTally(), Math.max(0, size - 64 * 1024));
  }

  bytes(): number {
    return this.#files().reduce((sum, { path, fromByte }) => sum + fileBytes(path) - fromByte, 0);
  }
}
