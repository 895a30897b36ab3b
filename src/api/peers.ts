import { readFileSync } from "node:fs";
import type { Connection, TcpPeer } from "../sys/connections.ts";

/** An IPv6 network that one host usually has: it may use any address of it. */
const HOST_PREFIX_BYTES = 8;
/** After a read of the kernel's table of sockets, the next one waits this many times as long as the read took. */
const REST_FACTOR = 20;

/**
 * Says which peer a connection belongs to: the account on this machine, if the connection is over a Unix socket or
 * loopback, else the address. The accounts of loopback connections come from /proc/net/tcp and tcp6. Reading these
 * takes long on a machine with many sockets, so linnix keeps the account of a connection while it is open.
 */
export class Peers {
  readonly #port: number;
  /** By inode of our end. */
  #known = new Map<number, string>();
  #restUntilMs = 0;

  /** @param port that the peers connect to */
  constructor(port: number) {
    this.#port = port;
  }

  /**
   * A name for the peer of each connection, in the same order.
   * @param connections all that are open
   * @param when whether the kernel's table is read even if that was done just before
   */
  namesOf(connections: readonly Connection[], when?: "at once"): string[] {
    const open = new Map<number, string>();
    let accounts: ReadonlyMap<string, number> | undefined;
    const names = connections.map((connection) => {
      const known = this.#known.get(connection.inode);
      if (known !== undefined) return known;
      if (connection.tcp === null) return `uid ${connection.uid}`;
      if (!isLoopback(connection.tcp.address)) return addressName(connection.tcp.address);
      accounts ??= this.#accounts(when);
      const uid = accounts.get(socketName(connection.tcp));
      // Not kept: it may become known.
      return uid === undefined ? addressName(connection.tcp.address) : `uid ${uid}`;
    });
    connections.forEach(({ inode }, index) => {
      const name = names[index] as string;
      if (name.startsWith("uid ")) open.set(inode, name);
    });
    this.#known = open;
    return names;
  }

  /** Accounts of the sockets that are connected to our port, by {@link socketName}; empty when it is too soon. */
  #accounts(when: "at once" | undefined): ReadonlyMap<string, number> {
    const fromMs = performance.now();
    if (when === undefined && fromMs < this.#restUntilMs) return new Map();
    const accounts = new Map([
      ...accountsIn("/proc/self/net/tcp", this.#port),
      ...accountsIn("/proc/self/net/tcp6", this.#port),
    ]);
    const nowMs = performance.now();
    this.#restUntilMs = nowMs + REST_FACTOR * (nowMs - fromMs);
    return accounts;
  }
}

/** proc_pid_net(5). Sockets that belong to no process any more have the inode 0; the kernel gives 0 as their account. */
function accountsIn(path: string, port: number): [string, number][] {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return [];
  }
  const line = new RegExp(
    `^ *\\d+: ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]+:${hexPort(port)} [0-9A-F]{2} \\S+ \\S+ \\S+ +(\\d+) +\\d+ +([1-9]\\d*)`,
    "gm",
  );
  return [...text.matchAll(line)].map(([, name = "", uid]) => [name.replace(/^0{16}FFFF0000/, ""), Number(uid)]);
}

/** As /proc/net/tcp writes it: words of 32 bits, each as a number of this machine's byte order. */
function socketName({ address, port }: TcpPeer): string {
  const words = new DataView(address.buffer, address.byteOffset, address.byteLength);
  let hex = "";
  for (let at = 0; at < address.length; at += 4) hex += words.getUint32(at, true).toString(16).padStart(8, "0");
  return `${hex.toUpperCase()}:${hexPort(port)}`;
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}

function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function addressName(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  return `${Buffer.from(address.subarray(0, HOST_PREFIX_BYTES)).toString("hex")}/64`;
}
