import { expect, test } from "bun:test";
import { followOutput } from "../../../src/overhead/steps/follow-output.ts";

/** A time longer than any test may take. */
const LONG_MS = 600_000;

function workloadOf(calls: string[]) {
  const call = (name: string) => async (): Promise<never> => {
    calls.push(name);
    return undefined as never;
  };
  return { start: call("start"), stop: call("stop") };
}

test("an abort ends the output phase at once, however long the workload would run", async () => {
  const calls: string[] = [];
  const abort = new AbortController();
  let looks = 0;
  const collector = {
    get outputBytes(): number {
      if (++looks === 3) abort.abort();
      return looks;
    },
    child: { ended: false },
  };
  const { signal } = abort;
  await followOutput({ workload: workloadOf(calls), collector, forMs: LONG_MS, restMs: LONG_MS, signal });
  expect(looks).toBe(3);
  expect(calls).toEqual(["start"]);
});

test("the end of the collector ends the output phase and the workload", async () => {
  const calls: string[] = [];
  const child = { ended: false };
  let looks = 0;
  const collector = {
    get outputBytes(): number {
      child.ended = ++looks === 3;
      return 0;
    },
    child,
  };
  const { signal } = new AbortController();
  await followOutput({ workload: workloadOf(calls), collector, forMs: LONG_MS, restMs: LONG_MS, signal });
  expect(looks).toBe(3);
  expect(calls).toEqual(["start", "stop"]);
});
