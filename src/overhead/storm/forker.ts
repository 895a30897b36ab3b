import { failingSpawn } from "../../sys/cost-spawn.ts";
import { DEADLINE_S } from "./loops.ts";

const BATCH = 100;
const PAUSE_MS = 10;

/** Makes bare processes as fast as it can, until the deadline. It ends itself then, should `timeout` be killed. */
export function runForker(): void {
  const spawn = failingSpawn();
  const endMs = performance.now() + DEADLINE_S * 1000;
  while (performance.now() < endMs) {
    try {
      for (let number = 0; number < BATCH; number++) spawn();
    } catch {
      // The cgroup has as many processes as it may have.
      Bun.sleepSync(PAUSE_MS);
    }
  }
}
