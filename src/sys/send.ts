/** Writing to a socket that is shared with other processes, whose flags must not change. */
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* send(2) */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends as much as there is room for, and never waits.
 * @returns how many bytes were sent
 * @throws NativeError with EAGAIN if there is no room at all, EPIPE if the reader has left
 */
export function sendNow(socket: number, bytes: Uint8Array): number {
  const sent = libc().send(socket, addressOf(bytes), bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return checkLibc("send", Number(sent));
}
