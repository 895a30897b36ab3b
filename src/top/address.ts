import { Refusal, scalar, TEXT } from "../config/values/scalar.ts";
import type { ValueType } from "../config/values.ts";

/** Address of a daemon: the base of its URLs, and the path of its socket, or null for TCP. */
export interface DaemonAddress {
  text: string;
  url: string;
  socket: string | null;
  /** Whether the daemon runs on this machine, so that /proc shows the same processes. */
  isThisMachine: boolean;
}

/** The type of a setting with the address of a daemon: a Unix socket, or a port of a host (a name or an address). */
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
