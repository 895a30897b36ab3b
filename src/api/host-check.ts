import { isIPv4 } from "./ip-address.ts";
import { isLoopback, type ListenAddress } from "./listen-address.ts";
import { Problem } from "./problem.ts";

/**
 * Guards against DNS rebinding: a web page whose name is made to point at this
 * machine sends that name as Host. On a loopback address only loopback names
 * and addresses are taken. Elsewhere a token is needed, which such a page does
 * not have, and the name of the machine is its owner's choice; on a Unix socket
 * no browser can call.
 *
 * @param needsHost whether a request of HTTP/1.0 without Host is refused; every browser sends one
 * @throws Problem 400 where Host is missing or no host at all, 421 where it is not us
 */
export function checkHost(header: string | null, address: ListenAddress, needsHost: boolean): void {
  if (address.kind === "unix" || (header === null && !needsHost)) return;
  const name = hostnameOf(header);
  if (name === null) throw new Problem(400, "The request needs one Host header with a host name or address.");
  if (!address.isLoopback || isLoopbackName(name)) return;
  throw new Problem(421, "This server answers for loopback names only: use 127.0.0.1, [::1] or localhost.");
}

/** The name or address without its port, brackets and final dot; null where the header is none. */
function hostnameOf(header: string | null): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{0,5}))?$/.exec(header ?? "");
  // No URL has a larger port, and that of such a request could not be read.
  if (!match || Number(match[3] ?? 0) > 65_535) return null;
  return match[1] ?? (match[2] as string).replace(/\.$/, "").toLowerCase();
}

function isLoopbackName(name: string): boolean {
  // RFC 6761, section 6.3: names below localhost are loopback too, and no other name server may be asked for them.
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isIPv4(name) || name.includes(":") ? isLoopback(name) : false;
}
