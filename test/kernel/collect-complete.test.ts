import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SpawnTruth } from "../../src/workload/ground-truth.ts";
import { runWorkload } from "../../src/workload/run-workload.ts";
import { spawnerCommand } from "../workload/real-workload.ts";
import { type ProcessEvent, parseOutput } from "./support/collect-output.ts";
import { CollectRun, type EndedWell, endedWell } from "./support/collect-run.ts";
import { programPath, reasonOf, titled, whyNoBtf } from "./support/needs.ts";

setDefaultTimeout(120_000);
/** A fork of stress-ng takes 6 ms on a busy machine. */
const SLOW_FORKS_MS = 600_000;

const reason = whyNoBtf();
let place = "";

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "linnix-complete-"));
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

/** Collects into a file with the default options while `work` runs. */
async function watched<T>(work: () => Promise<T>): Promise<EndedWell & { result: T }> {
  const file = join(place, `${Math.random()}.jsonl`);
  await using collect = await CollectRun.start(["--format", "jsonl", "--output", file]);
  const result = await work();
  collect.child.kill("SIGTERM");
  const { exitCode, signal, stderr } = await collect.ended();
  const output = parseOutput(readFileSync(file, "utf8"));
  rmSync(file);
  return { ...endedWell({ ...output, exitCode, signal, stderr }), result };
}

/** Describes what is wrong with the events of one process; null if all are there and correct. */
function problemOf(truth: SpawnTruth, events: readonly ProcessEvent[]): string | null {
  const own = events.filter(({ start_ns }) => {
    return start_ns !== null && start_ns >= truth.spawnedFromNs && start_ns <= truth.spawnedByNs;
  });
  const [fork, exec, exit] = own;
  if (own.length !== 3 || fork?.type !== "fork" || exec?.type !== "exec" || exit?.type !== "exit") {
    return `seen as ${own.map(({ type }) => type).join(", ") || "nothing"}`;
  }
  if (fork.ppid !== truth.ppid || exec.ppid !== truth.ppid || exit.ppid !== truth.ppid) return `parent ${fork.ppid}`;
  if (exec.exe !== realpathSync(truth.path) || exit.exe !== exec.exe) return `path ${exec.exe}`;
  const args = JSON.stringify(truth.args);
  if (JSON.stringify(exec.args) !== args || JSON.stringify(exit.args) !== args) return `arguments ${exec.args}`;
  if (exit.exit_code !== truth.exitCode || exit.signal !== truth.signal) return `end ${exit.exit_code} ${exit.signal}`;
  if (exit.minor_faults !== truth.minorFaults) return `faults ${exit.minor_faults}`;
  return null;
}

describe.skipIf(reason !== null)(titled("nothing is missing", reason), () => {
  for (const [rate, seconds] of [
    [100, 3],
    [500, 3],
    [1000, 3],
    [0, 3],
  ] as const) {
    test(`from ${rate === 0 ? "as many spawns as the machine can do" : `${rate} spawns a second`}`, async () => {
      const { events, summary, result } = await watched(async () => {
        await using workload = runWorkload(
          {
            mix: [
              { program: "true", share: 6, lifetimeMs: 1 },
              { program: "exit", share: 1 },
              { program: "signal", share: 1 },
              { program: "sleep", share: 1, lifetimeMs: 10 },
            ],
            rate,
            durationMs: seconds * 1000,
          },
          { command: spawnerCommand },
        );
        await workload.start();
        return await workload.done;
      });
      expect(result.spawned).toBeGreaterThan(0);
      const byPid = new Map<number, ProcessEvent[]>();
      for (const event of events) {
        const own = byPid.get(event.pid);
        if (own) own.push(event);
        else byPid.set(event.pid, [event]);
      }
      const problems: string[] = [];
      for (const truth of result.truth) {
        const problem = problemOf(truth, byPid.get(truth.pid) ?? []);
        if (problem !== null) problems.push(`${truth.pid} ${truth.args}: ${problem}`);
      }
      expect({ missing: problems.length, of: result.spawned, such: problems.slice(0, 5) }).toEqual({
        missing: 0,
        of: result.spawned,
        such: [],
      });
      expect(summary.lost).toBe(0);
    });
  }

  const stressNg = programPath("stress-ng");
  const why = reasonOf(reason, stressNg === null && "needs stress-ng");
  test.skipIf(why !== null)(
    titled("from twenty thousand forks by four processes at full speed", why),
    async () => {
      // These are far more records than the rings have room for.
      const forks = 20_000;
      const { summary } = await watched(async () => {
        const command = [stressNg ?? "", "--fork", "4", "--fork-ops", String(forks), "--quiet"];
        expect(await Bun.spawn(command, { stdin: "ignore", stdout: "ignore", stderr: "inherit" }).exited).toBe(0);
      });
      expect(summary.lost).toBe(0);
      // On a fast machine that is a storm: linnix then counts forks instead of sending them.
      expect(summary.emitted.fork + summary.suppressed.fork).toBeGreaterThanOrEqual(forks);
      expect(summary.received).toEqual(summary.emitted);
    },
    SLOW_FORKS_MS,
  );
});
