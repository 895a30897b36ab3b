/**
 * Releases memory at once, not with the next collection: lists and chunks of events are long, and are made several times
 * a second. Every holder of the bytes loses them.
 */
export function giveBack(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}
