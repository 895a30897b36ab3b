import { Refusal, scalar, TEXT, textRefusal } from "./scalar.ts";
import type { ValueType } from "./value-type.ts";

/** `struct sockaddr_un` of unix(7): 108 bytes for the path and its terminating NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * The address where a server listens; null for `off`. The host is an IP address or `localhost`. linnix looks up no names.
 */
export const listenAddress: ValueType<string | null> = scalar<string | null>({
  expected:
    "HOST:PORT with an IP address or localhost as HOST, such as 127.0.0.1:3000 or [::1]:3000, or unix:/PATH, or off",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    if (text === "off") {
      return null;
    }
    return text.startsWith("unix:") ? readSocketPath(text) : readHostPort(text);
  },
  toToml: (value) => value,
});

function readSocketPath(text: string): string | Refusal {
  const path = text.slice("unix:".length);
  if (!path.startsWith("/") || path.endsWith("/")) {
    return new Refusal("not the absolute path of a socket");
  }
  return Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES
    ? new Refusal(`the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes`)
    : (textRefusal(path) ?? text);
}

function readHostPort(text: string): string | Refusal {
  const [, v6, host, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) {
    return new Refusal(isIpv4(text) ? "has no port" : "not HOST:PORT");
  }
  if (v6 === undefined ? !isIpv4(host ?? "") && host !== "localhost" : !URL.canParse(`http://[${v6}]`)) {
    return new Refusal("the host is no address");
  }
  return Number(port) > 65_535 ? new Refusal("no port is more than 65535") : text;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** An origin as browsers send it: RFC 6454, section 6.1. */
export const origin: ValueType<string> = scalar<string>({
  expected: "an origin as a browser sends it, such as https://dash.example or http://localhost:8080",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
    if (url === null) {
      return new Refusal(text === "*" ? "every page of the web is too many: name each" : "not an origin");
    }
    return url.origin === text ? text : new Refusal(`browsers write it ${url.origin}`);
  },
  toToml: (value) => value,
});
