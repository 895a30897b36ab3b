import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";

/** The supervisor of a program that linnix starts: no user calls it. */
export const internalSupervise = commandOf({
  about: [
    "Runs a program, passes SIGINT and SIGTERM on to it, and ends every process that descends from it once it has " +
      "ended. Once the process PARENT is gone, the program gets SIGTERM or SIGKILL. What happens is written to file " +
      "descriptor 3 as lines of JSON.",
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
