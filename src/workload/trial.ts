import { existsSync } from "node:fs";
import { cannotRunError, EXIT, type LinnixError, usageError } from "../errors.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { selfCommand } from "./self-command.ts";

/** How long a collector may take to start and to end, ms: the machine may be loaded. */
const LIMIT_MS = 60_000;

/**
 * Starts a collector in a process of its own, as `collect` does, and ends it once it watches.
 * @param words its settings, as options
 * @returns why it cannot run here, as `collect` says it; null if it can
 */
export async function tryCollector(words: readonly string[]): Promise<LinnixError | null> {
  // What is ignored is /dev/null, which small roots do not have; where it is, it takes fewer descriptors than pipes.
  const unused = existsSync("/dev/null") ? "ignore" : "pipe";
  let child: Bun.Subprocess<"ignore" | "pipe", "ignore" | "pipe", "pipe">;
  try {
    child = Bun.spawn(selfCommand("__collect", "--no-color", ...words), {
      cwd: "/",
      env: process.env,
      // Its end ends the collector.
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

/** Why a linnix ended: in its own words, as it said them to its user. */
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
