import { readdirSync, readFileSync } from "node:fs";
import { Child } from "../sys/child.ts";
import { needTool, toolEnv } from "../sys/tool.ts";
import { unless } from "./stop.ts";

/** Upper limit of the memory of a sleeping process, bytes: page tables, stack, a few pages of its own. */
const BYTES_EACH = 1024 * 1024;
/** The sleeping processes end by themselves after this time. */
const LIFETIME_S = 180;
const START_TIMEOUT_MS = 60_000;

/**
 * Shell script that starts $1 sleeping processes, prints `started`, and waits for the end of its input, which ends at
 * the latest with this process. Then, or if it cannot start them all, it kills its process group. The group contains
 * only the shell and the sleeping processes.
 */
const HOLDER = `
trap 'kill -s KILL 0' EXIT
count=$1
while [ "$count" -gt 0 ]; do
  sleep "$2" </dev/null >/dev/null 2>&1 &
  count=$((count - 1))
done
echo started
read -r _`;

/** A number of sleeping processes. Disposing of it ends them. */
export class Sleepers implements AsyncDisposable {
  readonly count: number;
  readonly #child: Child;

  private constructor(count: number, shell: string) {
    this.count = count;
    this.#child = new Child({
      argv: [shell, "-c", HOLDER, "linnix-sleepers", String(count), String(LIFETIME_S)],
      env: toolEnv("/nonexistent"),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
  }

  /**
   * Why this number of sleeping processes should not be added to this machine; null if it can be.
   */
  static objection(count: number): string | null {
    const available = /^MemAvailable:\s+(\d+) kB$/m.exec(read("/proc/meminfo"))?.[1];
    if (available !== undefined && Number(available) * 1024 < 2 * count * BYTES_EACH) {
      return `too little memory for ${count} sleeping processes`;
    }
    const pids = Number(read("/proc/sys/kernel/pid_max"));
    if (pids > 0 && count + processCount() > pids / 2) return `pid_max is too low for ${count} sleeping processes`;
    return null;
  }

  /** @throws the reason of the signal if the signal is aborted; an Error if they could not be started */
  static async start(count: number, signal: AbortSignal): Promise<Sleepers> {
    const sleepers = new Sleepers(count, needTool("sh", "install a POSIX shell"));
    try {
      if ((await unless(signal, sleepers.#child.answer(START_TIMEOUT_MS))) === null) {
        throw new Error(`${count} sleeping processes could not be started`);
      }
      return sleepers;
    } catch (error) {
      await sleepers[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child.waitForEnd();
  }
}

/** Processes on the machine now. */
export function processCount(): number {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
