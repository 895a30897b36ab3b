import { readFileSync } from "node:fs";
import type { Connection, TcpPeer } from "../sys/connections.ts";

/** Length of the prefix of an IPv6 network, bytes. A host usually has a whole /64 and may use any address in it. */
const HOST_PREFIX_BYTES = 8;
/** After a read of the kernel's table of sockets, the next one waits this many times as long as the read took. */
const REST_FACTOR = 20;

/**
 * Names the peer of a connection: the account on this machine if the connection is over a Unix socket or loopback, else
 * the address. The accounts of loopback connections come from /proc/net/tcp and tcp6. Reading these files takes long on
 * a machine with many sockets, so linnix stores the account of a connection while the connection is open.
 */
export class Peers {
  readonly #port: number;
  /** Names of peers, by the inode of this process's end of the connection. */
  #known = new Map<number, string>();
  #restUntilMs = 0;

  /** @param port the port that the peers connect to */
  constructor(port: number) {
    this.#port = port;
  }

  /**
   * A name for the peer of each connection, in the same order.
   * @param connections all open connections
   * @param when `at once` reads the kernel's table of sockets even right after the last read
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
      // An address is not stored, because the account may become known later.
      return uid === undefined ? addressName(connection.tcp.address) : `uid ${uid}`;
    });
    connections.forEach(({ inode }, index) => {
      const name = names[index] as string;
      if (name.startsWith("uid ")) open.set(inode, name);
    });
    this.#known = open;
    return names;
  }

  /** UIDs of the sockets connected to the port, by {@link socketName}; empty if the last read was too recent. */
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

/**
 * Names and UIDs of the sockets that are connected to `port`: proc_pid_net(5). Sockets that belong to no process any
 * more have the inode 0. They are left out, because the kernel reports the UID 0 for them.
 */
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

/** Address and port as in /proc/net/tcp: the address is in words of 32 bits, each in this machine's byte order. */
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
