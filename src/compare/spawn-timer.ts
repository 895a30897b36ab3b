import { cannotRunError } from "../errors.ts";
import type { BlockSummary } from "../stats/low-quantile.ts";
import { selfCommand } from "../workload/self-command.ts";

/** Spawns before each block that do not count: they take what was left cold. */
export const WARMUP_SPAWNS = 10;

/** How long it has to answer beyond the time that it is given, ms: a tracer can slow it down many times. */
const GRACE_MS = 20_000;
const END_GRACE_MS = 2_000;

/**
 * A process of its own that times spawns, one after the other: a tracer can be attached to it, which this process would
 * refuse. Its input is a pipe from here, so that it ends with this process, in whatever way.
 */
export class SpawnTimer implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Bun.Subprocess<"pipe", "pipe", "ignore">;
  readonly #lines: AsyncGenerator<string>;

  private constructor() {
    this.#child = Bun.spawn(selfCommand("__spawn-timer"), {
      cwd: "/",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
      // A session of its own: Ctrl-C on the terminal ends it in our order.
      detached: true,
    });
    this.pid = this.#child.pid;
    this.#lines = linesOf(this.#child.stdout);
  }

  /** @throws LinnixError where it does not start */
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
    this.#child.stdin.write(`${spawns} ${maxMs}\n`);
    await this.#child.stdin.flush();
    return JSON.parse(await this.#answer(maxMs + GRACE_MS)) as BlockSummary;
  }

  async #answer(timeoutMs: number): Promise<string> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), timeoutMs);
    });
    const next = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (next === null || next.done) throw silent();
    return next.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#child.stdin.end();
    } catch {
      // It has ended.
    }
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_GRACE_MS);
    await this.#child.exited;
    clearTimeout(timer);
  }
}

function silent(): Error {
  return cannotRunError("spawn-timer", { what: "the process that times spawns did not answer" });
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
