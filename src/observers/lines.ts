import { closeSync, openSync, readSync } from "node:fs";
import type { Tally } from "./observer.ts";

/** Longest line that is kept whole, bytes. The longest ordinary ones are audit's, below 9 KiB. */
export const MAX_LINE_BYTES = 64 * 1024;

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

/**
 * Yields the lines of a byte stream without their newlines. Each byte is one Latin-1 code unit, so bytes that are not
 * UTF-8 are preserved. A line over the limit is cut and counted in `tally.cutLines`. The last line is also yielded if
 * it has no newline, because the method may be stopped in the middle of a line.
 */
export function* splitLines(
  chunks: Iterable<Uint8Array>,
  tally: Pick<Tally, "cutLines">,
  maxLineBytes = MAX_LINE_BYTES,
): Generator<string> {
  let kept = "";
  let cut = false;
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    while (from < bytes.length) {
      const found = bytes.indexOf(NEWLINE, from);
      const to = found === -1 ? bytes.length : found;
      const room = maxLineBytes - kept.length;
      if (to - from > room) cut = true;
      kept += bytes.toString("latin1", from, Math.min(to, from + room));
      from = to + 1;
      if (found === -1) break;
      if (cut) tally.cutLines += 1;
      yield kept;
      kept = "";
      cut = false;
    }
  }
  if (cut) tally.cutLines += 1;
  if (kept !== "" || cut) yield kept;
}

/** The bytes of a file from an offset to its end, in chunks. A chunk is valid until the next one is read. */
export function* fileChunks(path: string, fromByte = 0): Generator<Uint8Array> {
  const fd = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let position = fromByte; ; ) {
      const count = readSync(fd, buffer, 0, buffer.length, position);
      if (count === 0) return;
      position += count;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
}

/** The lines of a file, see `splitLines`. */
export function readLines(path: string, tally: Pick<Tally, "cutLines">, fromByte = 0): Generator<string> {
  return splitLines(fileChunks(path, fromByte), tally);
}
