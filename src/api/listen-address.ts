import { type LinnixError, usageError } from "../errors.ts";
import { isIPv4, isIPv6 } from "./ip-address.ts";

/** Where to listen. */
export type ListenAddress =
  | { kind: "tcp"; host: string; port: number; isLoopback: boolean }
  | { kind: "unix"; path: string };

/**
 * Reads `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` or `unix:/path`.
 * @throws LinnixError (exit code 2)
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (!path.startsWith("/") || path.endsWith("/") || path.includes("\0")) throw badAddress(text);
    return { kind: "unix", path };
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  // The name is not resolved, because a resolver could return an address that is not loopback.
  const host = match?.[2] === "localhost" ? "127.0.0.1" : (match?.[1] ?? match?.[2]);
  const port = Number(match?.[3]);
  if (!host || port > 65_535 || !(match?.[1] ? isIPv6(host) : isIPv4(host))) {
    throw badAddress(text);
  }
  return { kind: "tcp", host, port, isLoopback: isLoopback(host) };
}

/** Whether only this machine can reach the address: 127.0.0.0/8, its IPv4-mapped IPv6 form, or ::1 (RFC 6890). */
export function isLoopback(address: string): boolean {
  if (isIPv4(address)) return address.startsWith("127.");
  if (!isIPv6(address)) return false;
  // The URL parser knows all ways to write an IPv6 address, and returns the shortest one.
  const { hostname } = new URL(`http://[${address}]`);
  return hostname === "[::1]" || /^\[::ffff:7f[0-9a-f]{2}:/.test(hostname);
}

function badAddress(text: string): LinnixError {
  return usageError("listen-address", {
    what: `cannot listen at ${text}`,
    why: "it is neither ADDRESS:PORT nor unix:/PATH",
    hint: "use 127.0.0.1:3000, [::1]:3000 or unix:/run/linnix.sock",
    setting: "api.listen",
  });
}
