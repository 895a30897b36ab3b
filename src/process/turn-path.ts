/** Longer than any path that a record holds: MAX_PATH_BYTES (bpf/process.h). */
const turned = new Uint8Array(16384);

/**
 * Turns path components, leaf first and each with a NUL at its end, into a path, in place:
 * `true\0bin\0usr\0` becomes `/usr/bin/true`, which has the same length.
 */
export function turnPath(bytes: Uint8Array, start: number, length: number): void {
  let to = 0;
  let end = start + length - 1; // the last component's NUL
  while (end > start) {
    let from = end;
    while (from > start && bytes[from - 1] !== 0) from--;
    turned[to++] = 0x2f;
    for (let i = from; i < end; i++) turned[to++] = bytes[i] as number;
    end = from - 1;
  }
  for (let i = 0; i < to; i++) bytes[start + i] = turned[i] as number;
}

/**
 * The end of a path that was too long for a record.
 *
 * @param components leaf first, each with a NUL at its end; the last one may be cut
 * @param most maximum number of bytes of the result
 */
export function endOfPath(components: Uint8Array, most: number): Uint8Array {
  const whole = components.slice(0, components.lastIndexOf(0) + 1);
  turnPath(whole, 0, whole.length);
  return whole.subarray(Math.max(0, whole.length - most));
}
