import type { Sighting, Tally } from "./observer.ts";

/** Maximum number of incomplete events. The kernel interleaves the records of events on a few CPUs. */
const MAX_OPEN_EVENTS = 1024;
/** Maximum text of one event's arguments, characters. */
const MAX_ARGS_CHARS = 64 * 1024;

/** An event that may get more records. All its records have the same time and serial number. */
interface OpenEvent {
  /** From the SYSCALL record; null until this record arrives. */
  pid: number | null;
  /** Whether the SYSCALL record has the key of our rule. */
  ours: boolean;
  /** Whether the call returned: execve does, exit never. */
  returned: boolean;
  /** From EXECVE records: arguments by index, with the pieces of long arguments joined. */
  args: Map<number, string>;
  argsChars: number;
  /** From the PROCTITLE record: the arguments as the process has them, 128 bytes at most. */
  title: string[] | null;
}

/**
 * Reads an audit log, raw or enriched, and yields the events of the rules with this key. A successful exec has one
 * EXECVE record, or several if its arguments are long. An exit has no arguments except the process title (PROCTITLE).
 * Values with blanks, quotes, control characters or non-ASCII bytes are in hexadecimal (kernel/audit.c,
 * audit_log_untrustedstring).
 */
export function* parseAudit(lines: Iterable<string>, tally: Tally, key: string): Generator<Sighting> {
  const open = new Map<string, OpenEvent>();
  for (const line of lines) {
    const [, type, id, body] = /^(?:node=\S+ )?type=(\S+) msg=audit\((\d+\.\d+:\d+)\): ?(.*)$/.exec(line) ?? [];
    if (type === undefined || id === undefined || body === undefined) {
      if (line !== "") tally.unparsed += 1;
      continue;
    }
    if (type !== "SYSCALL" && type !== "EXECVE" && type !== "PROCTITLE" && type !== "EOE") continue;
    let event = open.get(id);
    if (event === undefined) {
      if (type === "EOE") continue;
      event = { pid: null, ours: false, returned: false, args: new Map(), argsChars: 0, title: null };
      open.set(id, event);
      if (open.size > MAX_OPEN_EVENTS) yield* closeOldest(open, tally);
    }
    // In an enriched record, the fields that the daemon added follow a group separator.
    takeRecord(event, type, body.split("\x1d", 1)[0] ?? "", key);
    // PROCTITLE is the last record of a system call. The end-of-event record (EOE) is not always logged.
    if (type === "PROCTITLE" || type === "EOE") {
      open.delete(id);
      yield* closeEvent(event, tally);
    }
  }
  for (const event of open.values()) yield* closeEvent(event, tally);
}

function* closeOldest(open: Map<string, OpenEvent>, tally: Tally): Generator<Sighting> {
  const [oldest] = open;
  if (oldest === undefined) return;
  open.delete(oldest[0]);
  yield* closeEvent(oldest[1], tally);
}

function* closeEvent(event: OpenEvent, tally: Tally): Generator<Sighting> {
  if (event.pid === null || !event.ours) return;
  if (event.args.size > 0) {
    const args = [...event.args].sort(([a], [b]) => a - b).map(([, arg]) => arg);
    tally.records += 1;
    yield { pid: event.pid, what: "exec", args };
  } else if (!event.returned) {
    tally.records += 1;
    yield { pid: event.pid, what: "exit", ...(event.title === null ? {} : { args: event.title }) };
  }
}

function takeRecord(event: OpenEvent, type: string, body: string, key: string): void {
  if (type === "SYSCALL") {
    const pid = /(?:^| )pid=(\d+)(?: |$)/.exec(body)?.[1];
    event.pid = pid === undefined ? null : Number(pid);
    event.returned = /(?:^| )success=/.test(body);
    const keys = / key=("[^"]*"|\S+)/.exec(body)?.[1];
    // If several rules match, the record has all their keys, separated by a byte of value 1.
    event.ours = keys !== undefined && decodeValue(keys).split("\x01").includes(key);
  } else if (type === "EXECVE") {
    for (const [, index, value] of body.matchAll(/(?:^| )a(\d+)(?:\[\d+\])?=("[^"]*"|\S*)/g)) {
      const piece = decodeValue(value ?? "");
      event.argsChars += piece.length;
      if (event.argsChars > MAX_ARGS_CHARS) return;
      event.args.set(Number(index), (event.args.get(Number(index)) ?? "") + piece);
    }
  } else if (type === "PROCTITLE") {
    const value = /(?:^| )proctitle=("[^"]*"|\S*)/.exec(body)?.[1] ?? "";
    event.title = decodeValue(value).split("\0");
  }
}

/** Decodes a value of a record, quoted or hexadecimal. The result has one Latin-1 code unit per byte. */
export function decodeValue(value: string): string {
  if (value.startsWith('"')) return value.slice(1, value.endsWith('"') && value.length > 1 ? -1 : undefined);
  if (value.length % 2 === 0 && /^[0-9A-F]*$/.test(value)) return Buffer.from(value, "hex").toString("latin1");
  return value;
}
