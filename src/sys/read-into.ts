import { readSync } from "node:fs";

/**
 * Fills a buffer from the position of a file. procfs returns at most a page per read, and any read may return less.
 * @returns how many bytes there were; less than the buffer has room for: the file has ended
 */
export function readInto(fd: number, buffer: Uint8Array): number {
  let length = 0;
  while (length < buffer.length) {
    const got = readSync(fd, buffer, length, buffer.length - length, null);
    if (got === 0) break;
    length += got;
  }
  return length;
}
