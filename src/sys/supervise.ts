/** The life of a supervisor: a process between linnix and a program, which ends all that the program has started. */
import { writeSync } from "node:fs";
import { constants } from "node:os";
import {
  adoptOrphans,
  type EndedChild,
  endDescendants,
  type LeftProcess,
  reapChild,
  signalGroup,
} from "./descendants.ts";
import { setParentDeathSignal } from "./spawn.ts";
import { spawnInheriting } from "./spawn-inheriting.ts";

/** The descriptor that a supervisor reports to. */
export const REPORT_FD = 3;

/** What a supervisor reports, a line of JSON each. */
export type SupervisorLine = { started: number } | { failed: string } | { ended: EndedChild } | { left: LeftProcess[] };

/** How long the program has to end by itself after it was asked to, ms. */
const GRACE_MS = 5_000;

/**
 * Runs a program until it ends or SIGINT or SIGTERM asks for its end, then ends whatever descends from it.
 *
 * @param deathSignal what the program gets when `parent` is gone
 */
export async function supervise(
  parent: number,
  deathSignal: "SIGKILL" | "SIGTERM",
  argv: readonly string[],
): Promise<void> {
  adoptOrphans();
  let pid = 0;
  let asked = 0;
  const ended = Promise.withResolvers<void>();
  const look = (): void => {
    for (let child = reapChild(); typeof child === "object"; child = reapChild()) {
      if (child.pid !== pid) continue;
      // The number may be another process's from now on.
      pid = 0;
      report({ ended: child });
      ended.resolve();
    }
  };
  const ask = (signal: number): void => {
    if (pid > 0) signalGroup(pid, signal);
    if (asked++ === 0) setTimeout(() => pid > 0 && signalGroup(pid, constants.signals.SIGKILL), GRACE_MS);
  };
  process.on("SIGCHLD", look);
  process.on("SIGINT", () => ask(constants.signals.SIGINT));
  process.on("SIGTERM", () => ask(constants.signals.SIGTERM));
  process.on("SIGHUP", () => ask(constants.signals.SIGTERM));
  process.on("SIGUSR2", () => ask(constants.signals[deathSignal]));
  setParentDeathSignal(constants.signals.SIGUSR2);
  // Its death before the request above was not reported.
  if (process.ppid !== parent) return;
  try {
    pid = spawnInheriting(argv, process.env, REPORT_FD);
  } catch (error) {
    return report({ failed: (error as Error).message });
  }
  report({ started: pid });
  look();
  // Signals alone do not keep the runtime from ending.
  const alive = setInterval(look, 60_000);
  await ended.promise;
  clearInterval(alive);
  process.off("SIGCHLD", look);
  report({ left: await endDescendants() });
}

function report(line: SupervisorLine): void {
  writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
}
