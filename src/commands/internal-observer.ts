import { EXIT } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";

/** A method of watching that is part of linnix, as a process of its own, started by its observer: no user calls it. */
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
