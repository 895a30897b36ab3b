/**
 * interrupted-run.ts METHOD FOLDER STAGE WORKLOAD: runs a method as the real program does, with signals that stop it
 * cleanly, and waits forever at one stage, so that a test can interrupt it there. Prints each stage that it reaches.
 */
import type { RunningObserver } from "../../src/observers/observer.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";

const [method, tempDir = "", stopAt] = process.argv.slice(2);
const observer = OBSERVERS.find(({ name }) => name === method);
if (observer === undefined) throw new Error(`no method ${method}`);

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => interrupt.abort(new Error(signal)));
}

// Its input is a pipe from this process, so it ends when this process ends, also if killed.
const workload = Bun.spawn(["/bin/cat"], { stdin: "pipe", stdout: "ignore" });
console.log(`workload ${workload.pid}`);

async function onStage(stage: string): Promise<void> {
  console.log(`stage ${stage}`);
  if (stage !== stopAt || interrupt.signal.aborted) return;
  await new Promise((resolve) => interrupt.signal.addEventListener("abort", resolve, { once: true }));
}

async function run(): Promise<void> {
  const context = { workloadPid: workload.pid, tempDir, intervalMs: 100, signal: interrupt.signal, onStage };
  await using running: RunningObserver = (await observer?.start(context)) as RunningObserver;
  await running.stop();
}

try {
  await run();
} catch (error) {
  if (error !== interrupt.signal.reason) throw error;
} finally {
  workload.kill();
}
