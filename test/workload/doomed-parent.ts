/** Starts a workload of long sleeps, prints its pid and folder, and waits to be killed. */
import { runWorkload } from "../../src/workload/run-workload.ts";
import { spawnerCommand } from "./real-workload.ts";

const mix = [{ program: "sleep" as const, share: 1, lifetimeMs: 10_000 }];
const workload = runWorkload({ mix, rate: 200, durationMs: 600_000, maxOutstanding: 40 }, { command: spawnerCommand });
const { spawnerPid, folder } = await workload.ready;
await workload.start();
console.log(JSON.stringify({ spawnerPid, folder }));
await workload.done;
