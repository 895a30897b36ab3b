/** The connections that a listening socket of this process has accepted, with their peers and idle times. */
import { fstatSync, readdirSync } from "node:fs";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* asm-generic/socket.h */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
/* netinet/in.h, linux/tcp.h */
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** Offsets in struct tcp_info: ms since data was sent last, and since data was received last. */
const LAST_DATA_SENT = 44;
const LAST_DATA_RECEIVED = 52;
const TCP_INFO_BYTES = 56;
/* sys/socket.h */
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SHUT_RDWR = 2;
/** struct sockaddr_storage. */
const ADDRESS_BYTES = 128;
/** ::ffff:0:0/96 */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** The other end of a TCP connection. An IPv4-mapped IPv6 address is converted to the IPv4 address. */
export interface TcpPeer {
  /** 4 or 16 bytes. */
  address: Uint8Array;
  port: number;
}

/** One accepted connection, at the time of the call. */
export interface Connection {
  fd: number;
  /** Inode of its socket: it distinguishes two connections that used the same descriptor one after the other. */
  inode: number;
  /** Null for a Unix socket. */
  tcp: TcpPeer | null;
  /** The account that connected, for a Unix socket (SO_PEERCRED). */
  uid: number | null;
  /** Time since data was last sent or received, ms. Null for a Unix socket: the kernel does not report it. */
  idleMs: number | null;
}

const address = new Uint8Array(ADDRESS_BYTES);
const view = new DataView(address.buffer);
const length = new Uint32Array(1);
const flag = new Int32Array(1);
const credentials = new Uint32Array(3);
const tcpInfo = new DataView(new ArrayBuffer(TCP_INFO_BYTES));

/** Reads the connections of one listening socket. */
export class Connections {
  readonly #family: number;
  /** From the address of the listening socket: the port, or the path with its final NUL. */
  readonly #port: number;
  readonly #path: string;

  /** @param listening descriptor of the listening socket */
  constructor(listening: number) {
    const found = nameOf(listening, "getsockname") ? view.getUint16(0, true) : 0;
    this.#family = found;
    this.#port = found === AF_UNIX ? 0 : view.getUint16(2);
    this.#path = found === AF_UNIX ? unixPath() : "";
  }

  get isTcp(): boolean {
    return this.#family !== AF_UNIX;
  }

  /** All connections that are open, in no order. */
  list(): Connection[] {
    return readdirSync("/proc/self/fd").flatMap((name) => this.#connection(Number(name)) ?? []);
  }

  /** Number of open connections. */
  count(): number {
    let count = 0;
    for (const name of readdirSync("/proc/self/fd")) if (this.#isOurs(Number(name))) count++;
    return count;
  }

  /** Port to which the peers connect; 0 for a Unix socket. */
  get port(): number {
    return this.#port;
  }

  /** Whether the descriptor is a connection of this socket: it has the same local port or path, and does not listen. */
  #isOurs(fd: number): boolean {
    if (!nameOf(fd, "getsockname") || view.getUint16(0, true) !== this.#family) return false;
    if (this.#family === AF_UNIX ? unixPath() !== this.#path : view.getUint16(2) !== this.#port) return false;
    length[0] = flag.byteLength;
    const isKnown = libc().getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, addressOf(flag), addressOf(length)) === 0;
    return isKnown && flag[0] === 0;
  }

  #connection(fd: number): Connection | undefined {
    if (!this.#isOurs(fd)) return undefined;
    const inode = inodeOf(fd);
    if (inode === null) return undefined;
    if (this.#family === AF_UNIX) return { fd, inode, tcp: null, uid: peerUid(fd), idleMs: null };
    const tcp = tcpPeer(fd);
    // A connection without a peer is about to be closed.
    return tcp === null ? undefined : { fd, inode, tcp, uid: null, idleMs: idleMs(fd) };
  }
}

/** Ends a connection in both directions: the event loop then reads its end, and closes it. */
export function endConnection({ fd, inode }: Connection): void {
  if (inodeOf(fd) === inode) libc().shutdown(fd, SHUT_RDWR);
}

function nameOf(fd: number, call: "getsockname" | "getpeername"): boolean {
  length[0] = ADDRESS_BYTES;
  return libc()[call](fd, addressOf(address), addressOf(length)) === 0;
}

function unixPath(): string {
  return String.fromCharCode(...address.subarray(2, length[0]));
}

function inodeOf(fd: number): number | null {
  try {
    return fstatSync(fd).ino;
  } catch {
    return null;
  }
}

function peerUid(fd: number): number | null {
  length[0] = credentials.byteLength;
  const isKnown = libc().getsockopt(fd, SOL_SOCKET, SO_PEERCRED, addressOf(credentials), addressOf(length)) === 0;
  return isKnown ? (credentials[1] as number) : null;
}

function tcpPeer(fd: number): TcpPeer | null {
  if (!nameOf(fd, "getpeername")) return null;
  const family = view.getUint16(0, true);
  const port = view.getUint16(2);
  if (family === AF_INET) return { address: address.slice(4, 8), port };
  if (family !== AF_INET6) return null;
  const bytes = address.slice(8, 24);
  const isMapped = MAPPED_PREFIX.every((byte, index) => bytes[index] === byte);
  return { address: isMapped ? bytes.slice(12) : bytes, port };
}

function idleMs(fd: number): number {
  length[0] = TCP_INFO_BYTES;
  const result = libc().getsockopt(fd, IPPROTO_TCP, TCP_INFO, addressOf(tcpInfo.buffer), addressOf(length));
  if (result !== 0) return 0;
  return Math.min(tcpInfo.getUint32(LAST_DATA_SENT, true), tcpInfo.getUint32(LAST_DATA_RECEIVED, true));
}
