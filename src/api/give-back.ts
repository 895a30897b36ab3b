/**
 * Releases memory immediately, not at the next garbage collection. Lists and chunks of events are large, and linnix
 * makes several of them per second. All views of these bytes become empty.
 */
export function giveBack(bytes: Uint8Array<ArrayBuffer>): void {
  bytes.buffer.transfer(0);
}
