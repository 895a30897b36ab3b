/** Writes to a socket whose flags must not change, because other processes share it. */
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* send(2) */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends as many bytes as fit into the socket's buffer, and never waits.
 * @returns the number of bytes sent
 * @throws NativeError with EAGAIN if there is no room at all, EPIPE if the reader has closed it
 */
export function sendNow(socket: number, bytes: Uint8Array): number {
  const sent = libc().send(socket, addressOf(bytes), bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return checkLibc("send", Number(sent));
}
