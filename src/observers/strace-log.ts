import type { Sighting, Tally } from "./observer.ts";

/**
 * Maximum number of unfinished calls that are remembered. Each thread has at most one, so there are usually far fewer.
 */
const MAX_UNFINISHED = 4096;

/**
 * Reads the log of `strace -f -e trace=process -o FILE`. Every line starts with the pid of the thread. Sightings are
 * successful execs, successful forks and ends. If output of another thread interrupts a call, strace prints the call in
 * two halves, `… <unfinished ...>` and `<... NAME resumed>…`. The parser joins them.
 */
export function* parseStrace(lines: Iterable<string>, tally: Tally): Generator<Sighting> {
  const unfinished = new Map<number, string>();
  for (const line of lines) {
    const [, pidText, event] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (pidText === undefined || event === undefined) {
      tally.unparsed += 1;
      continue;
    }
    const pid = Number(pidText);

    // If a thread other than the leader calls execve, it takes over the leader's pid. Its call resumes with that pid.
    const half = /^(.*?),? ?<(?:unfinished|pid changed to \d+) \.\.\.>$/.exec(event)?.[1];
    if (half !== undefined) {
      if (unfinished.size >= MAX_UNFINISHED) unfinished.clear();
      unfinished.set(pid, half);
      continue;
    }
    const formerTid = /^\+\+\+ superseded by execve in pid (\d+) \+\+\+$/.exec(event)?.[1];
    if (formerTid !== undefined) {
      const call = unfinished.get(Number(formerTid));
      unfinished.delete(Number(formerTid));
      if (call !== undefined) unfinished.set(pid, call);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(event)?.[1];
    const start = resumed === undefined ? "" : unfinished.get(pid);
    unfinished.delete(pid);
    // The call may have begun before strace was attached.
    if (start === undefined) continue;
    const call = start + (resumed ?? event);

    const sighting = parseEvent(pid, call);
    if (sighting !== null) {
      tally.records += 1;
      yield sighting;
    } else if (!/^(\w+\(|---|\+\+\+)/.test(call)) {
      tally.unparsed += 1;
    }
  }
}

function parseEvent(pid: number, call: string): Sighting | null {
  if (/^execve(at)?\(/.test(call)) {
    return / = 0$/.test(call) ? { pid, what: "exec", args: parseArgv(call) } : null;
  }
  const child = /^(?:clone3?|v?fork)\(.* = (\d+)$/.exec(call)?.[1];
  if (child !== undefined) {
    // A new thread is not a new process.
    return /\bCLONE_THREAD\b/.test(call) ? null : { pid: Number(child), what: "fork" };
  }
  if (/^\+\+\+ (exited|killed)/.test(call)) return { pid, what: "exit" };
  return null;
}

/**
 * The argument list of a printed execve or execveat: the first `[…]` outside of a string. Strings that strace cut
 * (`"…"...`) stay cut.
 */
function parseArgv(call: string): string[] {
  const args: string[] = [];
  let inList = false;
  for (let at = 0; at < call.length; at += 1) {
    const char = call[at];
    if (char === '"') {
      const end = endOfString(call, at);
      if (inList) args.push(unescapeC(call.slice(at + 1, end)));
      at = end;
    } else if (char === "[") {
      inList = true;
    } else if (char === "]" && inList) {
      break;
    }
  }
  return args;
}

/** Index of the quote that closes the string opened at `open`; the length of the text if there is none. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f", a: "\x07", b: "\b" };

/** Decodes the C escapes that strace writes. The result has one Latin-1 code unit per byte. */
export function unescapeC(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
    return ESCAPES[code] ?? code;
  });
}
