/** Sleeps beside its event loop, and prints which events ended the sleep: see event-loop.test.ts. */
import { EventLoopSleep, eventLoopTurn } from "../../src/sys/event-loop.ts";

const LONG_MS = 60_000;

const sleep = EventLoopSleep.open();
if (!sleep) throw new Error("no event loop");

/** Sleeps until the event of `what` arrives by the event loop; false if it does not within a minute. */
async function hears(what: (come: () => void) => void): Promise<boolean> {
  let hasCome = false;
  what(() => {
    hasCome = true;
  });
  // The loop has a turn first, because it may not know the new event source yet.
  do {
    await eventLoopTurn();
    if (!hasCome && sleep?.for(LONG_MS)) return false;
  } while (!hasCome);
  return true;
}

// Events of the start are handled first.
await Bun.sleep(50);
const heard = {
  nothing: sleep.for(20),
  signal: await hears((come) => {
    process.once("SIGUSR1", come);
    Bun.spawn(["/bin/sh", "-c", `sleep 0.2; kill -USR1 ${process.pid}`]).unref();
  }),
  input: await hears(async (come) => {
    const reader = Bun.stdin.stream().getReader();
    process.stdout.write("ready\n");
    await reader.read();
    come();
  }),
};
console.log(JSON.stringify(heard));
process.exit(0);
