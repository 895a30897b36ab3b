/** A supervisor: a process between linnix and a program, which ends all processes that the program has started. */
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
import { EventLoopSleep, eventLoopTurn } from "./event-loop.ts";
import { setParentDeathSignal } from "./spawn.ts";
import { spawnInheriting } from "./spawn-inheriting.ts";

/** The descriptor to which a supervisor reports. */
export const REPORT_FD = 3;

/** What a supervisor reports, a line of JSON each. */
export type SupervisorLine = { started: number } | { failed: string } | { ended: EndedChild } | { left: LeftProcess[] };

/** How long the program may take to end after the request, ms. */
const GRACE_MS = 5_000;
const LONGEST_SLEEP_MS = 60_000;
/** How often to check if the runtime cannot sleep outside of its event loop. */
const LOOK_MS = 250;

/**
 * Runs a program until it ends or a SIGINT or SIGTERM arrives, then ends all its descendants.
 *
 * @param deathSignal the signal that the program receives when `parent` has ended
 */
export async function supervise(
  parent: number,
  deathSignal: "SIGKILL" | "SIGTERM",
  argv: readonly string[],
): Promise<void> {
  adoptOrphans();
  let pid = 0;
  let hasEnded = false;
  let killAtMs = Number.POSITIVE_INFINITY;
  const look = (): void => {
    for (let child = reapChild(); typeof child === "object"; child = reapChild()) {
      if (child.pid !== pid) continue;
      // From now on, the pid may belong to another process.
      pid = 0;
      hasEnded = true;
      report({ ended: child });
    }
  };
  const ask = (signal: number): void => {
    if (pid > 0) signalGroup(pid, signal);
    killAtMs = Math.min(killAtMs, performance.now() + GRACE_MS);
  };
  process.on("SIGCHLD", look);
  process.on("SIGINT", () => ask(constants.signals.SIGINT));
  process.on("SIGTERM", () => ask(constants.signals.SIGTERM));
  process.on("SIGHUP", () => ask(constants.signals.SIGTERM));
  process.on("SIGUSR2", () => ask(constants.signals[deathSignal]));
  setParentDeathSignal(constants.signals.SIGUSR2);
  // If the parent ended before the request above, no signal arrives.
  if (process.ppid !== parent) return;
  try {
    pid = spawnInheriting(argv, process.env, REPORT_FD);
  } catch (error) {
    return report({ failed: (error as Error).message });
  }
  report({ started: pid });
  const sleep = EventLoopSleep.open();
  while (!hasEnded) {
    // The event loop runs first, because it delivers signals.
    await eventLoopTurn();
    look();
    const leftMs = killAtMs - performance.now();
    if (pid > 0 && leftMs <= 0) signalGroup(pid, constants.signals.SIGKILL);
    const ms = Math.min(leftMs > 0 ? leftMs : GRACE_MS, LONGEST_SLEEP_MS);
    // Turns of the event loop would disturb a measurement that runs at the same time.
    if (!hasEnded && sleep === null) await Bun.sleep(Math.min(ms, LOOK_MS));
    else if (!hasEnded) sleep?.for(ms);
  }
  process.off("SIGCHLD", look);
  report({ left: await endDescendants() });
}

function report(line: SupervisorLine): void {
  writeSync(REPORT_FD, `${JSON.stringify(line)}\n`);
}
