import { existsSync } from "node:fs";
import { cannotRunError, EXIT, type LinnixError, usageError } from "../errors.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { selfCommand } from "./self-command.ts";

/** How long a collector may take to start and to end, ms. It is long because the machine may be loaded. */
const LIMIT_MS = 60_000;

/**
 * Tries whether a collector can run: starts one in a process of its own, which ends as soon as it watches.
 * @param words its settings, as options
 * @returns the error by which it ended; null if it can run here
 */
export async function tryCollector(words: readonly string[]): Promise<LinnixError | null> {
  // "ignore" needs /dev/null, which small root file systems lack. It needs fewer file descriptors than pipes.
  const unused = existsSync("/dev/null") ? "ignore" : "pipe";
  let child: Bun.Subprocess<"ignore" | "pipe", "ignore" | "pipe", "pipe">;
  try {
    child = Bun.spawn(selfCommand("__collect", "--no-color", ...words), {
      cwd: "/",
      env: process.env,
      // The collector ends at the end of its input.
      stdin: unused,
      stdout: unused,
      stderr: "pipe",
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
    });
  } catch (cause) {
    const hint = refusalHint(refusalCode(cause)) ?? undefined;
    const why = (cause as Error).message;
    return cannotRunError("not-started", { what: "a collector cannot be started", why, hint }, { cause });
  }
  await child.stdin?.end();
  const [said] = await Promise.all([new Response(child.stderr).text(), new Response(child.stdout).bytes()]);
  await child.exited;
  if (child.exitCode === EXIT.ok) return null;
  return failureOf(said, child);
}

/**
 * The error by which a linnix process ended, from the message on its stderr.
 * @param said its stderr
 */
export function failureOf(said: string, { exitCode, signalCode }: Ended): LinnixError {
  const [, words, , hint] = /^linnix: (?!warning: |watching by )(.*)(\n {2}(.*))?$/m.exec(said) ?? [];
  const text = words === undefined ? silentEnd(said, { exitCode, signalCode }) : { what: words, hint };
  return exitCode === EXIT.usage ? usageError("collector", text) : cannotRunError("collector", text);
}

interface Ended {
  exitCode: number | null;
  signalCode: NodeJS.Signals | number | null;
}

function silentEnd(said: string, { exitCode, signalCode }: Ended) {
  const what = "the collector did not start";
  if (signalCode === "SIGSYS") {
    return {
      what,
      why: "a seccomp filter killed it with SIGSYS",
      hint: "let the filter allow bpf and perf_event_open: SystemCallFilter= of the unit, or the container's profile",
    };
  }
  const how =
    signalCode !== null
      ? `it was ended by ${signalCode}`
      : exitCode === null
        ? "no answer"
        : `it ended with status ${exitCode}`;
  const last = said.trimEnd().split("\n").at(-1)?.trim();
  return { what, why: last ? `${how}: ${last.slice(0, 300)}` : how };
}
