import { log } from "../config/log.ts";
import { type Connection, Connections, endConnection, type TcpPeer } from "../sys/connections.ts";
import { ListeningSocket, listeningSockets } from "../sys/listening.ts";
import { maxOpenFiles } from "../sys/open-files.ts";
import { countOpenFds } from "./own-memory.ts";
import { Peers } from "./peers.ts";

/**
 * A client that opens many connections costs CPU time. If this process used less than this since the last check, only
 * one check in `COUNT_EVERY` counts connections.
 */
const BUSY_US = 10_000;
const COUNT_EVERY = 16;
/** How often a warning is logged, ms. */
const WARN_EVERY_MS = 60_000;
/** Maximum number of connections of one peer, not counting event streams. */
export const MAX_PER_PEER = 64;
/** Share of the maximum that a check leaves free, for connections that arrive before the next check. */
const RESERVE = 1 / 8;

/** Why connections are closed. */
export type CloseReason = "peer_limit" | "total_limit";

export interface ConnectionLimitOptions {
  /** Maximum number of connections of all peers. Between two checks there can be more. */
  max: number;
  /**
   * Maximum number of files that this process may have open. Connections may use half of the descriptors that are free
   * at the start; collecting uses the rest.
   */
  maxFiles?: number;
  /** Starts to listen. */
  listen(): void;
  /** How many connections carry event streams. */
  streams?(): number;
  /** Whether a TCP connection carries an event stream: those have a limit of their own. */
  isStream?(peer: TcpPeer): boolean;
  /** Closes all idle connections of a Unix socket. The kernel does not report how long each of them has been idle. */
  closeIdle?(): void;
}

/**
 * Limits connections, so that new requests are still served and collecting has enough file descriptors. If a peer has
 * too many connections, the ones that have been idle longest are closed. The server stops accepting connections only if
 * there are still too many after that.
 */
export class ConnectionLimit {
  readonly #options: ConnectionLimitOptions;
  readonly #socket: ListeningSocket | undefined;
  readonly #connections: Connections | undefined;
  readonly #peers: Peers;
  readonly #max: number;
  readonly #others: number;
  readonly #closed: Record<CloseReason, number> = { peer_limit: 0, total_limit: 0 };
  #isFull = false;
  #rest: Timer | undefined;
  #looks = 0;
  #cpuUs = 0;
  #warnedMs = Number.NEGATIVE_INFINITY;
  /** Connections of a Unix socket that stayed open after the last check, by inode. */
  #seen: ReadonlySet<number> = new Set();
  /** Connections that were ended and that the event loop has not closed yet, by inode. */
  #ended = new Set<number>();

  constructor(options: ConnectionLimitOptions) {
    const before = new Set(listeningSockets());
    options.listen();
    this.#options = options;
    const fd = listeningSockets().find((socket) => !before.has(socket));
    this.#socket = fd === undefined ? undefined : ListeningSocket.find(fd);
    this.#connections = fd === undefined ? undefined : new Connections(fd);
    this.#peers = new Peers(this.#connections?.port ?? 0);
    this.#others = countOpenFds();
    const { max, maxFiles = maxOpenFiles() } = options;
    this.#max = Math.max(1, Math.min(max, Math.floor((maxFiles - this.#others) / 2)));
  }

  /** Whether the server accepts no connections at the moment. New ones wait in the kernel's queue. */
  get isPaused(): boolean {
    return this.#isFull || this.#rest !== undefined;
  }

  /** Connections that are open now. */
  get count(): number {
    try {
      return this.#connections?.count() ?? 0;
    } catch {
      return this.#max; // no descriptor is left to list them
    }
  }

  /** Connections that were closed to make room, by reason. */
  get closed(): Readonly<Record<CloseReason, number>> {
    return this.#closed;
  }

  /** The TCP connections that are open, each with the name of its peer. */
  peers(): [peer: TcpPeer, name: string][] {
    const open = this.#connections?.list() ?? [];
    const names = this.#peers.namesOf(open, "at once");
    return open.flatMap(({ tcp }, index) => (tcp === null ? [] : [[tcp, names[index] as string]]));
  }

  /** Accepts no connection for this time. */
  restFor(ms: number): void {
    if (this.#rest !== undefined) return;
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      if (!this.#isFull) this.#socket?.resume();
    }, ms);
    this.#rest.unref();
    if (!this.#isFull) this.#socket?.pause();
  }

  /** Closes connections beyond the limits. The server calls this after each drain of the rings. */
  check(): void {
    if (!this.#socket || !(this.#wasBusy() || this.#isFull || this.#looks % COUNT_EVERY === 0)) return;
    if (!this.#isFull && countFds() - this.#others <= Math.min(MAX_PER_PEER, this.#max * (1 - RESERVE))) return;
    this.#setFull(this.#makeRoom() > this.#max);
  }

  close(): void {
    clearTimeout(this.#rest);
    this.#rest = undefined;
  }

  /** Closes connections beyond the limits. @returns how many are left */
  #makeRoom(): number {
    let open: Connection[];
    try {
      open = this.#list();
    } catch {
      // Listing the connections needs a descriptor, and none is free.
      this.#options.closeIdle?.();
      return Number.POSITIVE_INFINITY;
    }
    const left = this.#closeBeyond(open);
    this.#seen = new Set(this.#connections?.isTcp ? [] : left.map(({ inode }) => inode));
    return left.length;
  }

  #list(): Connection[] {
    const connections = this.#connections as Connections;
    const open = this.#open(connections);
    if (connections.isTcp || open.length - this.#streams <= MAX_PER_PEER) return open;
    this.#options.closeIdle?.();
    const left = this.#open(connections);
    this.#closed.peer_limit += open.length - left.length;
    return left;
  }

  #open(connections: Connections): Connection[] {
    const listed = connections.list();
    const inodes = new Set(listed.map(({ inode }) => inode));
    this.#ended = new Set([...this.#ended].filter((inode) => inodes.has(inode)));
    return listed.filter(({ inode }) => !this.#ended.has(inode));
  }

  get #streams(): number {
    return this.#options.streams?.() ?? 0;
  }

  /** @returns the connections that stay open */
  #closeBeyond(open: readonly Connection[]): Connection[] {
    const idleFirst = this.#closable(open);
    const named = open.length > MAX_PER_PEER ? this.#peers.namesOf(open) : [];
    const nameOf = new Map(open.map((connection, index) => [connection, named[index] ?? ""]));
    const counts = new Map<string, number>();
    for (const connection of idleFirst) {
      const name = nameOf.get(connection) as string;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    const closed = new Set<Connection>();
    const end = (connection: Connection, reason: CloseReason) => {
      endConnection(connection);
      this.#ended.add(connection.inode);
      closed.add(connection);
      this.#closed[reason]++;
    };
    // linnix knows the number of streams on a Unix socket, but not which connections carry them.
    const spared = this.#connections?.isTcp ? 0 : this.#streams;
    for (const connection of idleFirst) {
      const name = nameOf.get(connection) as string;
      const count = counts.get(name) as number;
      if (count - spared <= MAX_PER_PEER) continue;
      counts.set(name, count - 1);
      end(connection, "peer_limit");
      this.#warn(`the HTTP API closes idle connections of ${name || "a peer"}, which has more than ${MAX_PER_PEER}`);
    }
    const room = Math.ceil(this.#max * (1 - RESERVE));
    for (const connection of idleFirst) {
      if (open.length - closed.size <= room) break;
      if (closed.has(connection) || (spared > 0 && open.length - closed.size <= spared)) continue;
      end(connection, "total_limit");
      this.#warn(`the HTTP API closes idle connections: more than ${room} connections are open`);
    }
    return open.filter((connection) => !closed.has(connection));
  }

  /** Connections that may be closed, in the order in which to close them. */
  #closable(open: readonly Connection[]): Connection[] {
    if (this.#connections?.isTcp) {
      const { isStream } = this.#options;
      const rest = open.filter(({ tcp }) => tcp === null || !isStream?.(tcp));
      return rest.sort((a, b) => (b.idleMs ?? 0) - (a.idleMs ?? 0));
    }
    // A connection that was open at the last check is probably idle. Streams are probably older: the newest is first.
    return open.filter(({ inode }) => this.#seen.has(inode)).sort((a, b) => b.inode - a.inode);
  }

  #setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    if (this.#rest !== undefined) return;
    if (isFull) this.#socket?.pause();
    else this.#socket?.resume();
    if (isFull) this.#warn(`the HTTP API has more than ${this.#max} connections that are in use: new ones wait`);
  }

  #warn(message: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = nowMs;
    log.warn(message);
  }

  /** Whether this process used much CPU time since the last check. */
  #wasBusy(): boolean {
    const { user, system } = process.cpuUsage();
    const usedUs = user + system - this.#cpuUs;
    this.#cpuUs += usedUs;
    this.#looks++;
    return usedUs >= BUSY_US;
  }
}

function countFds(): number {
  try {
    return countOpenFds();
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
