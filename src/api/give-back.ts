/**
 * Gives memory back now, not with the next collection: lists and chunks of events are long, and are made several times a
 * second. The bytes are gone for everybody who has them.
 */
export function giveBack(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}
