import { readSync } from "node:fs";

/**
 * Fills a buffer from the position of a file. procfs returns at most a page per read, and any read may return less.
 * @returns the number of bytes read; it is less than the size of the buffer if the file ended
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
