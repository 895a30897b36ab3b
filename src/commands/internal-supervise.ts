import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";

/** The supervisor of a program that linnix starts: no user calls it. */
export const internalSupervise = commandOf({
  about: [
    "Runs a program, passes SIGINT and SIGTERM on to it, and ends every process that descends from it once it has " +
      "ended, or once the process PARENT is gone. What happens is written to file descriptor 3 as lines of JSON.",
  ],
  args: {},
  rest: "PARENT PROGRAM [ARGUMENT...]",
  examples: [{ command: "linnix __supervise -- $$ /bin/sleep 10 3>report", does: "run sleep" }],
  exits: [{ code: EXIT.ok, meaning: "the program has ended" }],
  run: async ({ data }): Promise<ExitCode> => {
    const [parent, ...argv] = (data as Invocation).args.rest ?? [];
    const { supervise } = await import("../sys/supervise.ts");
    await supervise(Number(parent), argv);
    return EXIT.ok;
  },
});
