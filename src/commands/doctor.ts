import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";
import { writeStdout } from "./stdout.ts";

export const doctor = commandOf({
  about: [
    "Looks at the kernel, its BTF and BPF support, privileges, limits and the programs that linnix can make use of, " +
      "and says of each whether it is there, what its lack costs and how to fix it.",
    "Starts a collector with the settings in force (--config, environment) and ends it at once: where collect cannot " +
      "run, the report has its message. Makes and removes a temporary folder. Changes nothing else.",
  ],
  args: {
    json: { type: "boolean", description: "print the findings as JSON" },
  },
  examples: [
    { command: "sudo linnix doctor", does: "look at everything" },
    { command: "linnix doctor", does: "as the user who asks: what privileges are missing" },
    { command: "sudo linnix doctor --json", does: "for programs" },
  ],
  exits: [
    { code: EXIT.ok, meaning: "linnix can run here" },
    { code: EXIT.usage, meaning: "unknown option, bad configuration" },
    { code: EXIT.cannotRun, meaning: "linnix cannot run here; the report says why" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const { args, config, color } = data as Invocation;
    const { runDoctor } = await import("../doctor/run.ts");
    const { text, exitCode } = await runDoctor({ json: args.switches.has("json"), color, settings: config.settings });
    writeStdout(text.endsWith("\n") ? text : `${text}\n`);
    return exitCode;
  },
});
