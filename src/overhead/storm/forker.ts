import { failingSpawn } from "../../sys/cost-spawn.ts";
import { DEADLINE_S } from "./loops.ts";

const BATCH = 100;
const PAUSE_MS = 10;

/** Makes bare processes as fast as it can, until the deadline. So it ends even if `timeout` was killed. */
export function runForker(): void {
  const spawn = failingSpawn();
  const endMs = performance.now() + DEADLINE_S * 1000;
  while (performance.now() < endMs) {
    try {
      for (let number = 0; number < BATCH; number++) spawn();
    } catch {
      // The cgroup has reached pids.max.
      Bun.sleepSync(PAUSE_MS);
    }
  }
}
