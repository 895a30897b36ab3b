import { describe, expect, test } from "bun:test";
import { EXIT } from "../../src/errors.ts";
import { needInitialPidNamespace } from "../../src/observers/define.ts";
import { assertMatchable, assertOwnProc } from "../../src/overhead/pid-namespace.ts";
import type { PidNamespace } from "../../src/procfs/pid-namespace.ts";

const INITIAL: PidNamespace = { isInitial: true, proc: "initial" };
const CONTAINER: PidNamespace = { isInitial: false, proc: "own" };
const HOST_PROC: PidNamespace = { isInitial: false, proc: "initial" };
const BETWEEN: PidNamespace = { isInitial: false, proc: "other" };

/** The exit code of the refusal; null if nothing is refused. */
function exitCodeOf(run: () => void): number | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as { exitCode: number }).exitCode;
  }
}

describe("measuring in a pid namespace", () => {
  test("is refused if /proc belongs to another namespace, without the processes of the measurement", () => {
    const codes = [INITIAL, CONTAINER, HOST_PROC, BETWEEN].map((place) =>
      exitCodeOf(() => assertOwnProc("test", place)),
    );
    expect(codes).toEqual([null, null, EXIT.cannotRun, EXIT.cannotRun]);
  });

  test("is refused if events do not have the pids of the namespace", () => {
    const code = (backend: "btf" | "tracepoint", place: PidNamespace) =>
      exitCodeOf(() => assertMatchable("test", backend, place));
    expect([code("btf", CONTAINER), code("tracepoint", INITIAL)]).toEqual([null, null]);
    expect(code("tracepoint", CONTAINER)).toBe(EXIT.cannotRun);
  });

  test("leaves out a method that prints host pids, and says why", () => {
    expect(needInitialPidNamespace("execsnoop prints host pids", INITIAL)).toBeNull();
    expect(needInitialPidNamespace("execsnoop prints host pids", CONTAINER)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("execsnoop prints host pids"),
      hint: expect.stringContaining("--pid=host"),
    });
  });
});
