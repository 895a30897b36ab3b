/** Addresses of Unix sockets: unix(7). */
import { closeSync } from "node:fs";
import { checkLibc, lastErrnoName } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* unix(7), socket(2) */
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** struct sockaddr_un. @param name a path with its final NUL, or NUL and an abstract name */
export function unixAddress(name: Uint8Array): Uint8Array {
  const address = new Uint8Array(2 + name.length);
  new Uint16Array(address.buffer, 0, 1)[0] = AF_UNIX;
  address.set(name, 2);
  return address;
}

/** Opens a datagram socket without an address. */
export function openDatagramSocket(): number {
  return checkLibc("socket", libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

/**
 * Whether a process has the socket at that path open, of any type, listening or not. It tries to connect a datagram
 * socket. The kernel looks for the owner before it compares the types, so the result does not depend on a free queue,
 * and nothing is sent (net/unix/af_unix.c, unix_find_other).
 *
 * @param path at most 107 bytes
 */
export function isSocketInUse(path: string): boolean {
  const address = unixAddress(Buffer.from(`${path}\0`));
  const fd = openDatagramSocket();
  try {
    if (libc().connect(fd, addressOf(address), address.length) === 0) return true;
    const code = lastErrnoName();
    // ENOENT: the socket was removed in the meantime. After any other error, such as EPROTOTYPE or EACCES, a process
    // may have it open.
    return code !== "ECONNREFUSED" && code !== "ENOENT";
  } finally {
    closeSync(fd);
  }
}
