/** Writing to a socket of somebody else's, whose flags are not ours to change. */
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* send(2) */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends what there is room for, and waits for nobody.
 * @returns how many bytes were sent
 * @throws NativeError with EAGAIN where there is no room at all, EPIPE where nobody reads any more
 */
export function sendNow(socket: number, bytes: Uint8Array): number {
  const sent = libc().send(socket, addressOf(bytes), bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return checkLibc("send", Number(sent));
}
