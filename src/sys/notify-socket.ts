/** Reports of this process to a service manager: sd_notify(3). */
import { closeSync } from "node:fs";
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";
import { sendNow } from "./send.ts";
import { openDatagramSocket, unixAddress } from "./unix-address.ts";

/** Size of `sun_path`. */
const MAX_PATH_BYTES = 108;

/**
 * Sends a message such as `READY=1`, and does not wait if the manager's queue is full.
 * @param socket the value of NOTIFY_SOCKET: a path, or `@` and an abstract name @throws Error if `socket` is neither,
 * nothing listens there, or the queue is full
 */
export function notifyManager(socket: string, message: string): void {
  const address = socketAddress(socket);
  const fd = openDatagramSocket();
  try {
    checkLibc("connect", libc().connect(fd, addressOf(address), address.length));
    sendNow(fd, Buffer.from(message));
  } finally {
    closeSync(fd);
  }
}

/** struct sockaddr_un. An abstract name does not end with NUL. */
function socketAddress(socket: string): Uint8Array {
  const isAbstract = socket.startsWith("@");
  if (!isAbstract && !socket.startsWith("/")) throw new Error(`${JSON.stringify(socket)} is not a Unix socket`);
  const path = Buffer.from(isAbstract ? `\0${socket.slice(1)}` : `${socket}\0`);
  if (path.length > MAX_PATH_BYTES) throw new Error(`${JSON.stringify(socket)} is too long for a Unix socket`);
  return unixAddress(path);
}
