/** Sleeps outside the runtime's event loop. */
import { readdirSync, readlinkSync } from "node:fs";
import { libc } from "./libc.ts";
import { addressOf, type Pointer } from "./native.ts";

/** poll(2): struct pollfd is an int and two shorts. */
const WORDS = 2;
const POLLIN = 1;

/**
 * One turn of the event loop. {@link EventLoopSleep.for} is safe after it, and in any other immediate.
 *
 * The runtime queues a signal that arrives, and writes to the descriptor that wakes the loop. A turn of the loop
 * empties the queue, runs immediates, calls epoll, and runs timers. When a timer runs, epoll may already have reported
 * the wake-up of a signal that is still queued. A sleep in that timer would miss the signal. An immediate runs before
 * the next epoll.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Descriptors of the event loops of this process. */
export function eventLoops(): number[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:[eventpoll]" ? [Number(fd)] : [];
    } catch {
      return []; // the descriptor that was open to read the list
    }
  });
}

/**
 * Puts this thread to sleep as the event loop would, at a third of the cost. A turn of the loop also handles timers,
 * microtasks and the allocator's own thread. An epoll descriptor is itself readable when one of its descriptors is.
 * Signals, sockets and results of other threads all wake the loop through such a descriptor, so they end the sleep. The
 * runtime's timers do not end it. Sleep in an immediate or after {@link eventLoopTurn}, never in a timer.
 */
export class EventLoopSleep {
  readonly #fds: Int32Array;
  readonly #address: Pointer;

  private constructor(loops: readonly number[]) {
    this.#fds = new Int32Array(WORDS * loops.length);
    loops.forEach((fd, index) => {
      this.#fds[WORDS * index] = fd;
      this.#fds[WORDS * index + 1] = POLLIN;
    });
    this.#address = addressOf(this.#fds);
  }

  /** Returns null if the runtime has no epoll descriptor. */
  static open(): EventLoopSleep | null {
    const loops = eventLoops();
    return loops.length === 0 ? null : new EventLoopSleep(loops);
  }

  /** Sleeps for `ms`, rounded up. @returns false if the sleep ended early because the event loop has something to do */
  for(ms: number): boolean {
    return libc().poll(this.#address, this.#fds.length / WORDS, Math.ceil(ms)) === 0;
  }
}
