import { cannotRunError } from "../errors.ts";
import type { BlockSummary } from "../stats/low-quantile.ts";
import { Child } from "../sys/child.ts";
import { selfCommand } from "../workload/self-command.ts";

/** Spawns before each block that warm the caches and do not count. */
export const WARMUP_SPAWNS = 10;

/** How long an answer may take beyond the time of the block, ms. It is long, because a tracer can slow the process. */
const GRACE_MS = 20_000;
const END_GRACE_MS = 2_000;

/**
 * Times spawns, one after the other, in a process of its own, so that a tracer can attach to that process and not to
 * this one. Its input is a pipe from this process, so it ends when this process ends, in whatever way.
 */
export class SpawnTimer implements AsyncDisposable {
  readonly #child = new Child({
    argv: selfCommand("__spawn-timer"),
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  readonly pid = this.#child.pid;

  /** @throws LinnixError if it does not start */
  static async start(): Promise<SpawnTimer> {
    const timer = new SpawnTimer();
    try {
      if ((await timer.#answer(GRACE_MS)) !== "ready") throw silent();
      return timer;
    } catch (error) {
      await timer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Times a block of spawns, which ends early after `maxMs`. Times in µs. */
  async time(spawns: number, maxMs: number): Promise<BlockSummary> {
    await this.#child.send(`${spawns} ${maxMs}`);
    return JSON.parse(await this.#answer(maxMs + GRACE_MS)) as BlockSummary;
  }

  async #answer(timeoutMs: number): Promise<string> {
    const answer = await this.#child.answer(timeoutMs);
    if (answer === null) throw silent();
    return answer;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.stop(END_GRACE_MS);
  }
}

function silent(): Error {
  return cannotRunError("spawn-timer", { what: "the process that times spawns did not answer" });
}
