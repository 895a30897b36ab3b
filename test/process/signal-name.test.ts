import { describe, expect, test } from "bun:test";
import { signalName } from "../../src/process/signal-name.ts";

/** signal(7), in the numbering of x86 and ARM: 1 … 31. */
const STANDARD =
  "SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM " +
  "SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF " +
  "SIGWINCH SIGIO SIGPWR SIGSYS";

describe("signalName", () => {
  test("returns the main name of signal(7) for signals 1 to 31", () => {
    expect(Array.from({ length: 31 }, (_, i) => signalName(i + 1))).toEqual(STANDARD.split(" "));
  });

  test.each([
    [34, "SIGRTMIN"],
    [35, "SIGRTMIN+1"],
    [63, "SIGRTMIN+29"],
    [64, "SIGRTMAX"],
  ])("returns for the real-time signal %i: %s", (signal, name) => {
    expect(signalName(signal)).toBe(name);
  });

  test.each([0, 32, 33, 65, 127])("returns the number for %i, which has no name", (signal) => {
    expect(signalName(signal)).toBe(`SIG${signal}`);
  });
});
