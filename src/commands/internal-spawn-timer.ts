import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf } from "./command.ts";

/** The spawns that a slowdown is measured with, in a process of their own that a tracer may attach to. */
export const internalSpawnTimer = commandOf({
  about: [
    "Spawns a program that does nothing, one after the other, as many times as each line of standard input says, and " +
      "answers with a line of JSON: how long one took, in µs. The end of standard input ends it.",
  ],
  args: {},
  examples: [{ command: "echo 500 | linnix __spawn-timer", does: "time 500 spawns" }],
  exits: [{ code: EXIT.ok, meaning: "its input has ended" }],
  run: async (): Promise<ExitCode> => {
    const { runSpawnTimer } = await import("../compare/spawn-timer-worker.ts");
    await runSpawnTimer();
    return EXIT.ok;
  },
});
