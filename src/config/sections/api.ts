import type { Section } from "../section.ts";
import {
  durationMs,
  groupName,
  integer,
  listenAddress,
  listOf,
  optionalPath,
  origin,
  percent,
  size,
} from "../values.ts";

export interface ApiSettings {
  /** `127.0.0.1:3000`, `[::1]:3000`, `localhost:3000` or `unix:/path`; null: no HTTP. */
  listen: string | null;
  /** File that contains only the bearer token. Null: there is no token, or LINNIX_API_TOKEN contains it. */
  tokenFile: string | null;
  /** Group whose members may use the Unix socket; null: only the account that linnix runs as. */
  socketGroup: string | null;
  /** Origins of web pages that may read answers (CORS), such as `https://dash.example`. */
  allowOrigins: string[];
  /** Maximum number of clients that follow live events at the same time. */
  maxClients: number;
  /** Maximum number of events kept for clients that reconnect; 0: none. */
  historyEvents: number;
  /** Maximum memory of the events in `historyEvents`, bytes. */
  historyBytes: number;
  /** How often a live stream without events sends a comment, ms. */
  heartbeatMs: number;
  /** CPU time that answering requests may take, % of one core; 0: no limit. */
  cpuBudgetPct: number;
}

export const api: Section<ApiSettings> = {
  name: "api",
  title: "HTTP API and metrics",
  keys: {
    listen: {
      toml: "listen",
      flag: "listen",
      hint: "ADDRESS",
      type: listenAddress,
      default: null,
      doc: "serve HTTP: 127.0.0.1:3000, unix:/path, or off",
      details: [
        "Examples: 127.0.0.1:3000, [::1]:3000, unix:/run/linnix/linnix.sock. off: no HTTP.",
        "An address that is neither loopback nor a Unix socket needs a token (token_file, or LINNIX_API_TOKEN).",
      ],
      example: "127.0.0.1:3000",
    },
    tokenFile: {
      toml: "token_file",
      flag: "api-token-file",
      hint: "FILE",
      type: optionalPath,
      default: null,
      doc: "file with the token that requests must carry",
      rare: true,
      details: ["The group of the file may read it, other accounts may not. LINNIX_API_TOKEN takes precedence."],
      example: "/etc/linnix/token",
    },
    socketGroup: {
      toml: "socket_group",
      flag: "api-socket-group",
      hint: "GROUP",
      type: groupName,
      default: null,
      doc: "group whose members may use the Unix socket, and see all command lines",
      rare: true,
      example: "linnix",
    },
    allowOrigins: {
      toml: "allow_origins",
      flag: "api-allow-origin",
      hint: "ORIGIN",
      type: listOf(origin, { max: 32 }),
      default: [],
      doc: "origin whose web pages may read answers (CORS)",
      rare: true,
    },
    maxClients: {
      toml: "max_clients",
      flag: "api-max-clients",
      hint: "NUMBER",
      type: integer({ min: 1, max: 1024, name: "a number of clients" }),
      default: 32,
      doc: "maximum number of clients of live events at the same time",
      rare: true,
    },
    historyEvents: {
      toml: "history",
      flag: "api-history",
      hint: "NUMBER",
      type: integer({ min: 0, max: 1_000_000, name: "a number of events" }),
      default: 2048,
      doc: "maximum number of events kept for clients that reconnect; 0: none",
      rare: true,
    },
    historyBytes: {
      toml: "history_size",
      flag: "api-history-size",
      hint: "SIZE",
      type: size({ min: 1024 * 1024, max: 1024 ** 3, example: 16 * 1024 * 1024 }),
      default: 16 * 1024 * 1024,
      doc: "maximum memory for the events kept for clients that reconnect",
      rare: true,
    },
    heartbeatMs: {
      toml: "heartbeat",
      flag: "api-heartbeat",
      hint: "DURATION",
      type: durationMs({ min: "1s", max: "5m", example: "15s" }),
      default: 15_000,
      doc: "how often an idle event stream sends a comment",
      rare: true,
    },
    cpuBudgetPct: {
      toml: "cpu_budget",
      flag: "api-cpu-budget",
      hint: "PERCENT",
      type: percent({ min: 0, max: 100, example: 5 }),
      default: 5,
      doc: "CPU time for answering requests, of one core; 0: no limit",
      rare: true,
      details: ["Above the limit requests get 429, except /healthz, /readyz, /metrics. Event streams do not count."],
    },
  },
};
