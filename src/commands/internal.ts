/** Commands that only linnix itself runs. */
import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";

/**
 * Runs a method of watching that is part of linnix, in a process of its own. The observer of the method starts that
 * process.
 */
export const internalObserver = commandOf({
  about: ["Watches by one method and writes what it sees to standard output as JSON lines, until it is killed."],
  args: {},
  rest: "METHOD INTERVAL_MS [DETAIL]",
  examples: [
    { command: "linnix __observer -- proc-scan 1000 all", does: "scan /proc every second" },
    {
      command: "sudo linnix __observer -- task-iterator 100",
      does: "list by the BPF task iterator, ten times a second",
    },
  ],
  exits: [
    { code: EXIT.usage, meaning: "there is no such method" },
    { code: EXIT.cannotRun, meaning: "it cannot run here" },
  ],
  run: async ({ data }): Promise<never> => {
    const { args } = data as Invocation;
    const { runWorker } = await import("../observers/worker.ts");
    return runWorker(args.rest ?? []);
  },
});

/** Spawns processes to measure a slowdown. It is a process of its own, so that a tracer can attach to it. */
export const internalSpawnTimer = commandOf({
  about: [
    "Prints `ready`. At each line `SPAWNS MAX_MS` of standard input it spawns a program that does nothing, SPAWNS " +
      "times one after the other, for at most MAX_MS milliseconds. Then it prints a line of JSON: how long one spawn took, in " +
      "µs. It exits at the end of standard input.",
  ],
  args: {},
  examples: [{ command: "echo 500 10000 | linnix __spawn-timer", does: "time 500 spawns" }],
  exits: [{ code: EXIT.ok, meaning: "standard input has ended" }],
  run: async (): Promise<ExitCode> => {
    const { runSpawnTimer } = await import("../compare/spawn-timer-worker.ts");
    await runSpawnTimer();
    return EXIT.ok;
  },
});

/** The supervisor of a program that linnix starts. */
export const internalSupervise = commandOf({
  about: [
    "Runs a program, and passes SIGINT and SIGTERM on to it. Once the program has ended, it ends every process that " +
      "descends from the program. If the process PARENT ends first, the supervisor sends the program SIGTERM or SIGKILL. Reports go " +
      "to file descriptor 3, as lines of JSON.",
  ],
  args: {},
  rest: "PARENT SIGTERM|SIGKILL PROGRAM [ARGUMENT...]",
  examples: [{ command: "linnix __supervise -- $$ SIGTERM /bin/sleep 10 3>report", does: "run sleep" }],
  exits: [{ code: EXIT.ok, meaning: "the program has ended" }],
  run: async ({ data }): Promise<ExitCode> => {
    const [parent, deathSignal, ...argv] = (data as Invocation).args.rest ?? [];
    const { supervise } = await import("../sys/supervise.ts");
    await supervise(Number(parent), deathSignal === "SIGKILL" ? "SIGKILL" : "SIGTERM", argv);
    return EXIT.ok;
  },
});

/** The workload's spawner as a process of its own, driven by `runWorkload`. */
export const internalWorkload = commandOf({
  about: [
    "Reads a workload as JSON from --spec or from the first line of standard input, and prints `ready`. It begins at " +
      "the line `start`, and ends at the line `stop` or at the limits of the workload. It reports its processes as " +
      "JSON lines. The end of standard input ends everything at once.",
  ],
  args: {
    spec: {
      type: "string",
      valueHint: "JSON",
      description: "the workload",
      defaultText: "first line of standard input",
    },
  },
  examples: [
    {
      command: `(echo start; sleep 12) | linnix __workload --spec '{"rate":100,"durationMs":10000}'`,
      does: "spawn the default mix for ten seconds",
    },
  ],
  exits: [
    { code: EXIT.ok, meaning: "the workload ran" },
    { code: EXIT.usage, meaning: "the workload is not valid" },
    { code: EXIT.cannotRun, meaning: "it could not run here" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const { args } = data as Invocation;
    const { spawnerProcess } = await import("../workload/spawner-process.ts");
    return spawnerProcess(args.words.get("spec")?.at(0));
  },
});

/** One of the loops that make the storm of `overhead-test --storm`. */
export const internalStorm = commandOf({
  about: ["Makes processes that do nothing as fast as it can, for 15 s."],
  args: {},
  examples: [{ command: "linnix __storm", does: "load this machine" }],
  exits: [{ code: EXIT.ok, meaning: "the time is up" }],
  run: async (): Promise<ExitCode> => {
    const { runForker } = await import("../overhead/storm/forker.ts");
    runForker();
    return EXIT.ok;
  },
});
