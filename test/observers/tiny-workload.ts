import { readFileSync } from "node:fs";
import type { TruthProcess } from "../../src/observers/match.ts";

/** Kinds of processes in the tiny workload: spinning, sleeping, or ending at once. */
export type Life = "busy" | "asleep" | "brief";

/** $1 of each process is its life, $2 its nonce. All run at once, so that the workload lasts as long as the longest. */
const SCRIPT = `
read -r _ || exit 0
live() { # live LIFE COUNT COMMAND...
  life=$1 count=$2; shift 2
  while [ $count -gt 0 ]; do
    "$@" "nonce-$$-$life-$count." &
    echo "$! nonce-$$-$life-$count. $life"
    count=$((count - 1))
  done
}
live busy 2 perl -e '$end = time + 4; 1 while time < $end'
live asleep 3 perl -e 'sleep 2'
live brief 5 /bin/true
wait
exec >&-
read -r end
`;

/** The lifetime that the truth lists for each kind, ms. */
export const LIFETIME_MS: Record<Life, number> = { busy: 4000, asleep: 2000, brief: 1 };

/** CLOCK_BOOTTIME, rounded down to 10 ms, as in /proc. */
function uptimeNs(): bigint {
  const [seconds = "", hundredths = ""] = (readFileSync("/proc/uptime", "latin1").split(" ")[0] ?? "").split(".");
  return BigInt(seconds) * 1_000_000_000n + BigInt(hundredths) * 10_000_000n;
}

/** A process that waits, then makes others of known lifetimes. It stays, because a tracer ends with its tracee. */
export class TinyWorkload implements Disposable {
  readonly #child = Bun.spawn(["/bin/sh", "-c", SCRIPT, "tiny-workload"], { stdin: "pipe", stdout: "pipe" });

  get pid(): number {
    return this.#child.pid;
  }

  /** Makes the processes, and waits until all have exited. */
  async run(): Promise<TruthProcess[]> {
    const spawnedFromNs = uptimeNs();
    this.#child.stdin.write("go\n");
    await this.#child.stdin.flush();
    const output = await new Response(this.#child.stdout).text();
    const spawnedByNs = uptimeNs() + 10_000_000n;
    return output
      .trim()
      .split("\n")
      .map((line) => {
        const [pid, nonce = "", life] = line.split(" ");
        return { pid: Number(pid), nonce, spawnedFromNs, spawnedByNs, lifetimeMs: LIFETIME_MS[life as Life] };
      });
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }
}
