import { defineCommand } from "citty";
import { EXIT, type ExitCode } from "../errors.ts";
import type { Command, Invocation } from "./command.ts";

/** The workload's spawner as a process of its own, driven by `runWorkload`: no user calls it. */
export const internalWorkload: Command = defineCommand({
  meta: { name: "__workload", description: "spawn a paced workload and tell its ground truth", hidden: true },
  about: [
    "Reads a workload as JSON from --spec or from the first line of standard input, says `ready`, begins at the line " +
      "`start`, ends at the line `stop` or by its own bounds, and writes what it did as JSON lines. The end of standard " +
      "input ends everything at once.",
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
    { code: EXIT.usage, meaning: "the workload is not possible as asked for" },
    { code: EXIT.cannotRun, meaning: "it could not run here" },
  ],
  run: async ({ data }: { data?: Invocation }): Promise<ExitCode> => {
    const { args } = data as Invocation;
    const { spawnerProcess } = await import("../workload/spawner-process.ts");
    return spawnerProcess(args.words.get("spec")?.at(0));
  },
} as Command) as Command;
