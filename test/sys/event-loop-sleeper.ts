/** Sleeps beside its event loop, and says what it heard: see event-loop.test.ts. */
import { EventLoopSleep, eventLoopTurn } from "../../src/sys/event-loop.ts";

const LONG_MS = 60_000;

const sleep = EventLoopSleep.open();
if (!sleep) throw new Error("no event loop");

/** Sleeps until `what` has come by the event loop; false if a whole minute went by without. */
async function hears(what: (come: () => void) => void): Promise<boolean> {
  let hasCome = false;
  what(() => {
    hasCome = true;
  });
  // The loop has a turn first, for what it is to listen to may not be known to it yet.
  do {
    await eventLoopTurn();
    if (!hasCome && sleep?.for(LONG_MS)) return false;
  } while (!hasCome);
  return true;
}

// What the start has left behind is heard first.
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
