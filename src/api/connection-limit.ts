import { log } from "../config/log.ts";
import { ListeningSocket, listeningSockets } from "../libbpf/listening.ts";
import { maxOpenFiles } from "../open-files.ts";
import { countOpenFds } from "./own-memory.ts";

/** Who accepts many connections, or tries to in vain, uses processor time: else only one of so many looks counts them. */
const BUSY_US = 10_000;
const COUNT_EVERY = 16;
/** How often is said that there are too many, ms. */
const SAY_EVERY_MS = 60_000;

function countConnections(others: number): number {
  try {
    return countOpenFds() - others;
  } catch {
    // Before Linux 6.2 it takes a descriptor, of which there is none left.
    return Number.POSITIVE_INFINITY;
  }
}

/** Keeps connections, idle ones as well, from being so many that they take all descriptors, or much memory. */
export class ConnectionLimit {
  readonly #socket: ListeningSocket | undefined;
  readonly #max: number;
  readonly #others: number;
  #isPaused = false;
  #looks = 0;
  #cpuUs = 0;
  #saidMs = Number.NEGATIVE_INFINITY;

  /**
   * Of the socket that `listen` begins to listen at. Where descriptors are few, connections have half of them: the rest
   * is for collecting.
   * @param max connections; it is looked at now and then, so that for a moment there may be more
   * @param maxFiles that this process may have open
   */
  constructor(max: number, listen: () => void, maxFiles = maxOpenFiles()) {
    const before = new Set(listeningSockets());
    listen();
    const fd = listeningSockets().find((socket) => !before.has(socket));
    this.#socket = fd === undefined ? undefined : ListeningSocket.find(fd);
    this.#others = countOpenFds();
    this.#max = Math.max(1, Math.min(max, Math.floor((maxFiles - this.#others) / 2)));
  }

  /** Whether nobody is accepted at the moment. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** To be called now and then. */
  check(): void {
    if (!this.#socket || !(this.#wasBusy() || this.#isPaused || this.#looks % COUNT_EVERY === 0)) return;
    const connections = countConnections(this.#others);
    // Not at the limit itself, or the next one that ends would let one in at once.
    const isTooMany = connections > (this.#isPaused ? this.#max / 2 : this.#max);
    if (isTooMany === this.#isPaused) return;
    this.#isPaused = isTooMany;
    if (isTooMany) this.#socket.pause();
    else this.#socket.resume();
    const nowMs = performance.now();
    if (!isTooMany || nowMs - this.#saidMs < SAY_EVERY_MS) return;
    this.#saidMs = nowMs;
    log.warn(`the HTTP API has more than ${this.#max} connections: others wait until half of them have ended`);
  }

  /** Since the last look. */
  #wasBusy(): boolean {
    const { user, system } = process.cpuUsage();
    const usedUs = user + system - this.#cpuUs;
    this.#cpuUs += usedUs;
    this.#looks++;
    return usedUs >= BUSY_US;
  }
}
