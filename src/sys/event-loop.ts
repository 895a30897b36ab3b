/** Sleeping without going round the runtime's event loop. */
import { readdirSync, readlinkSync } from "node:fs";
import { libc } from "./libc.ts";
import { addressOf, type Pointer } from "./native.ts";

/** poll(2): struct pollfd is an int and two shorts. */
const WORDS = 2;
const POLLIN = 1;

/**
 * One turn of the event loop. {@link EventLoopSleep.for} is safe after it, and after any other setImmediate.
 *
 * A signal that arrives in a turn is queued, and the descriptor that wakes the loop is written to. The loop takes what the
 * queue holds, runs immediates, asks epoll, and runs timers. So a timer may run while a signal is queued whose wake-up epoll
 * has already reported: a sleep from there would not hear it. An immediate runs before epoll is asked again.
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
      return []; // the descriptor that the list was read by
    }
  });
}

/**
 * Puts this thread to sleep as the event loop would, at a third of the cost: a turn of the loop also sees to timers,
 * microtasks and the allocator's own thread. An epoll descriptor is itself readable when one of its descriptors is, and
 * signals, sockets and answers of other threads all wake the loop by one: only the runtime's timers are not heard. Sleep in
 * an immediate or after {@link eventLoopTurn}, never in a timer.
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

  /** Null if the runtime has no event loop that could be listened to. */
  static open(): EventLoopSleep | null {
    const loops = eventLoops();
    return loops.length === 0 ? null : new EventLoopSleep(loops);
  }

  /** Sleeps for `ms`, rounded up. @returns false when the event loop has something to do, which ends it early */
  for(ms: number): boolean {
    return libc().poll(this.#address, this.#fds.length / WORDS, Math.ceil(ms)) === 0;
  }
}
