import { EXIT, type ExitCode } from "../errors.ts";
import { commandOf, type Invocation } from "./command.ts";
import { writeStdout } from "./stdout.ts";

export const doctor = commandOf({
  about: [
    "Checks the kernel, BTF, BPF support, privileges, limits and the programs that linnix can use. For each " +
      "it reports whether it is available, what does not work without it, and how to fix that.",
    "Starts a collector with the settings in force (--config, environment) and ends it at once. If that fails, " +
      "the report contains the error. Creates and removes a temporary folder, and changes nothing else.",
  ],
  args: {
    json: { type: "boolean", description: "print the findings as JSON" },
  },
  examples: [
    { command: "sudo linnix doctor", does: "check everything" },
    { command: "linnix doctor", does: "check what an ordinary user cannot do" },
    { command: "sudo linnix doctor --json", does: "print JSON for a program" },
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
