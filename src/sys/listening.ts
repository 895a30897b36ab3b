/** The listening sockets of this process, and their registration with the runtime's event loop. */
import { readdirSync, readFileSync } from "node:fs";
import { checkLibc } from "./errno.ts";
import { eventLoops } from "./event-loop.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/** asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
/** sys/epoll.h */
const EPOLL_CTL_MOD = 3;

/** Descriptors of listening sockets. */
export function listeningSockets(): number[] {
  return readdirSync("/proc/self/fd").map(Number).filter(isListening);
}

function isListening(fd: number): boolean {
  const value = new Int32Array(1);
  const length = Uint32Array.of(value.byteLength);
  const result = libc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, addressOf(value), addressOf(length));
  return result === 0 && value[0] === 1;
}

/**
 * A listening socket as it is registered with the event loop. Bun accepts every connection, and without a free
 * descriptor it retries forever and uses a whole core. So a connection that must not be accepted must not wake the
 * loop.
 */
export class ListeningSocket {
  readonly fd: number;
  readonly #loop: number;
  readonly #events: number;
  readonly #data: bigint;

  private constructor(fd: number, loop: number, events: number, data: bigint) {
    this.fd = fd;
    this.#loop = loop;
    this.#events = events;
    this.#data = data;
  }

  /** Undefined if no event loop waits for that descriptor. */
  static find(fd: number): ListeningSocket | undefined {
    for (const loop of eventLoops()) {
      // proc_pid_fdinfo(5): `events` and `data` are hexadecimal.
      const text = readFileSync(`/proc/self/fdinfo/${loop}`, "latin1");
      const [, events, data] =
        text.match(new RegExp(`^tfd: +${fd} events: +([0-9a-f]+) data: +([0-9a-f]+)`, "m")) ?? [];
      if (events && data) return new ListeningSocket(fd, loop, Number.parseInt(events, 16), BigInt(`0x${data}`));
    }
    return undefined;
  }

  /** From now on, new connections wait in the kernel's queue, which is limited. */
  pause(): void {
    this.#set(0);
  }

  resume(): void {
    this.#set(this.#events);
  }

  #set(events: number): void {
    // struct epoll_event is packed only on x86-64.
    const dataAt = process.arch === "x64" ? 4 : 8;
    const event = new DataView(new ArrayBuffer(dataAt + 8));
    event.setUint32(0, events, true);
    event.setBigUint64(dataAt, this.#data, true);
    const address = addressOf(new Uint8Array(event.buffer));
    checkLibc("epoll_ctl", libc().epoll_ctl(this.#loop, EPOLL_CTL_MOD, this.fd, address));
  }
}
