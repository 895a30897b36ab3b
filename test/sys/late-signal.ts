/** Sends itself a signal that epoll reports in the turn in which a timer fires: see event-loop.test.ts. */
import { Schedule } from "../../src/collect/schedule.ts";
import { EventLoopSleep, eventLoopTurn } from "../../src/sys/event-loop.ts";

const FLUSH_MS = 20;
const SLEEP_MS = 2_000;
const LONG_MS = 60_000;

let isHeard = false;
process.on("SIGUSR1", () => {
  isHeard = true;
});
await Bun.sleep(50);

/** Immediates run after the loop has looked for signals, and before epoll. */
function signalBeforeEpoll(): void {
  setImmediate(() => process.kill(process.pid, "SIGUSR1"));
}

/** Whether a sleep after a turn of the event loop ends by a signal of that turn. */
async function turnIsSafe(): Promise<boolean> {
  const sleep = EventLoopSleep.open();
  isHeard = false;
  signalBeforeEpoll();
  await eventLoopTurn();
  return isHeard || !sleep?.for(SLEEP_MS);
}

async function flushesUntilHeard(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let flushes = 0;
  const schedule = new Schedule(FLUSH_MS, 0, {
    flush: () => {
      flushes++;
    },
    sweep: () => {},
    freeMs: () => LONG_MS,
  });
  process.once("SIGUSR1", () => resolve(flushes));
  schedule.start();
  // The signal is sent when the schedule's timer is due, in the same turn.
  Bun.sleepSync(2 * FLUSH_MS);
  signalBeforeEpoll();
  const until = await promise;
  schedule.stop();
  return until;
}

const isSafe = await turnIsSafe();
// The signal may be handled only now.
await Bun.sleep(50);
console.log(JSON.stringify({ isSafe, flushes: await flushesUntilHeard() }));
process.exit(0);
