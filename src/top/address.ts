import { Refusal, scalar, TEXT } from "../config/values/scalar.ts";
import type { ValueType } from "../config/values.ts";

/** Where a daemon answers: the base of its URLs, and the socket that they go through if it is one. */
export interface DaemonAddress {
  text: string;
  url: string;
  socket: string | null;
  /** Whether /proc here shows the same processes as the daemon. */
  isThisMachine: boolean;
}

/** Where to connect to: a socket, or a host, which may be a name, and a port. */
export const daemonAddress: ValueType<DaemonAddress> = scalar<DaemonAddress>({
  expected: "unix:/PATH of a daemon's socket, or HOST:PORT such as 127.0.0.1:3000 or [::1]:3000",
  input: TEXT,
  read: (value) => readAddress(String(value)) ?? new Refusal("neither unix:/PATH nor HOST:PORT"),
  toToml: ({ text }) => text,
});

function readAddress(text: string): DaemonAddress | null {
  if (text.startsWith("unix:")) {
    const socket = text.slice("unix:".length);
    const isPath = socket.startsWith("/") && !socket.endsWith("/") && !socket.includes("\0");
    return isPath ? { text, url: "http://localhost", socket, isThisMachine: true } : null;
  }
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})$/.exec(text) ?? [];
  const url = `http://${host}:${port}`;
  if (host === undefined || Number(port) > 65_535 || Number(port) === 0 || !URL.canParse(url)) return null;
  const isThisMachine = host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
  return { text, url, socket: null, isThisMachine };
}
