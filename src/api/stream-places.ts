import type { TcpPeer } from "../sys/connections.ts";
import type { ConnectionLimit } from "./connection-limit.ts";

/** Share of the places that one peer can have: an account on this machine, or an address. */
const PEER_SHARE = 3 / 4;

/** A place that one event stream has. */
export interface StreamPlace {
  leave(): void;
}

/** Where a request comes from, as the runtime says it; null: over a Unix socket. */
type Origin = { address: string; port: number } | null;

/** Which connections carry event streams, so that no peer takes all places for them. */
export class StreamPlaces {
  readonly #connections: () => ConnectionLimit | undefined;
  readonly #places = new Set<string>();

  constructor(connections: () => ConnectionLimit | undefined) {
    this.#connections = connections;
  }

  /** Takes a place. Accounts are looked up once one peer could have its share of the places. */
  find(origin: Origin, maxClients: number): StreamPlace | undefined {
    // Over a Unix socket all clients are one account.
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

  /** Streams of the peer that has this connection. */
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
  // In the shortest form, as the runtime writes it.
  return `${new URL(`http://[${text}]`).hostname.slice(1, -1)} ${port}`;
}
