import type { TcpPeer } from "../sys/connections.ts";
import type { ConnectionLimit } from "./connection-limit.ts";

/** Share of the places that one peer (an account on this machine, or an address) can have. */
const PEER_SHARE = 3 / 4;

/** The place of one event stream. */
export interface StreamPlace {
  leave(): void;
}

/** Where a request comes from, as the runtime reports it; null for a Unix socket. */
type Origin = { address: string; port: number } | null;

/** Knows which connections carry event streams, and prevents one peer from taking all places. */
export class StreamPlaces {
  readonly #connections: () => ConnectionLimit | undefined;
  readonly #places = new Set<string>();

  constructor(connections: () => ConnectionLimit | undefined) {
    this.#connections = connections;
  }

  /**
   * Takes a place; returns undefined if the peer already has its share. Accounts are looked up only if there are so
   * many streams that one peer could have its share.
   */
  find(origin: Origin, maxClients: number): StreamPlace | undefined {
    // All clients of a Unix socket count as one account, which may take all places.
    if (origin === null) return { leave: () => undefined };
    const name = `${origin.address.replace(/^::ffff:/i, "")} ${origin.port}`;
    const share = Math.max(1, Math.floor(maxClients * PEER_SHARE));
    if (this.#places.size >= share && this.#ofSamePeer(name) >= share) return undefined;
    this.#places.add(name);
    return { leave: () => this.#places.delete(name) };
  }

  /** Whether that connection carries an event stream. */
  holds(peer: TcpPeer): boolean {
    return this.#places.has(nameOf(peer));
  }

  /** Number of streams of the peer that has this connection. */
  #ofSamePeer(name: string): number {
    const peers = this.#connections()?.peers() ?? [];
    const peer = peers.find(([other]) => nameOf(other) === name)?.[1];
    return peers.filter(([other, its]) => its === peer && this.holds(other)).length;
  }
}

function nameOf({ address, port }: TcpPeer): string {
  if (address.length === 4) return `${address.join(".")} ${port}`;
  const words = new DataView(address.buffer, address.byteOffset, address.byteLength);
  const text = Array.from({ length: 8 }, (_, index) => words.getUint16(2 * index).toString(16)).join(":");
  // Shortens the address, because the runtime reports addresses in the shortest form.
  return `${new URL(`http://[${text}]`).hostname.slice(1, -1)} ${port}`;
}
