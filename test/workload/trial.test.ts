import { expect, test } from "bun:test";
import { EXIT } from "../../src/errors.ts";
import { failureOf } from "../../src/workload/trial.ts";

const text = (said: string, exitCode: number | null, signalCode: NodeJS.Signals | null = null) => {
  const { what, why, hint, exitCode: code } = failureOf(said, { exitCode, signalCode });
  return { what, why, hint, code };
};

test("the error for a linnix that ended is its own message, without its warnings", () => {
  const said = "linnix: warning: the environment variable X\nlinnix: no rings: EPERM\n  give it CAP_BPF\n";
  expect(text(said, 3)).toEqual({
    what: "no rings: EPERM",
    why: undefined,
    hint: "give it CAP_BPF",
    code: EXIT.cannotRun,
  });
  expect(text("linnix: bad value\n", 2).code).toBe(EXIT.usage);
});

test("the error for another program that ended contains its last line", () => {
  const said = "BusyBox v1.35\nsetpriv: unrecognized option '--pdeathsig'\n";
  expect(text(said, 1).why).toBe("it ended with status 1: setpriv: unrecognized option '--pdeathsig'");
  expect(text("", null, "SIGKILL").why).toBe("it was ended by SIGKILL");
  expect(text("", null).why).toBe("no answer");
});

test("the error for SIGSYS names a seccomp filter", () => {
  expect(text("", null, "SIGSYS").why).toContain("seccomp");
});
