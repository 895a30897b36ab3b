import { type Loaded, loadSettings, resolveAuto } from "../config/load.ts";
import { log } from "../config/log.ts";
import { namingOrigins } from "../config/origins.ts";
import { SECTION_LIST, type Settings } from "../config/schema.ts";
import { EXIT, type ExitCode, usageError } from "../errors.ts";
import { assertFloor } from "../floor.ts";
import { commandOf, type Invocation, type OptionDefs, optionsOf, type ParsedArgs } from "./command.ts";
import { writeStdout } from "./stdout.ts";
import { isTerminal } from "./terminal.ts";

const CONFIGURATION: OptionDefs = {
  "print-config": {
    type: "boolean",
    description: "print the settings in force as TOML that can be fed back, and where each comes from",
    group: "Configuration",
  },
  "check-config": {
    type: "boolean",
    description: "check options, environment and configuration file, and do nothing else",
    group: "Configuration",
  },
};

/** Every setting but those that all commands have. */
const SETTINGS: OptionDefs = Object.assign(
  {},
  ...SECTION_LIST.filter(([name]) => name !== "log").map(([, section]) => optionsOf(section)),
);

export const collect = commandOf({
  about: [
    "Prints every new process, every program that is executed and every process that ends, as it happens, " +
      "with the command line, the exit status and what the process used; once a second CPU and memory of those that " +
      "were active. With --listen it answers over HTTP: live events, processes, Prometheus metrics. Needs root, or " +
      "CAP_BPF and CAP_PERFMON.",
    "Events go to stdout (or --output), everything else to stderr. Stopping with Ctrl-C, SIGTERM or --duration is " +
      "the normal end: the last line is a summary in which emitted = received + lost.",
    "SIGHUP opens --output again, reads the configuration again and takes over what can change while it runs; what " +
      "cannot is named. If the terminal is gone it ends the run. SIGUSR1 writes the state of the run to stderr.",
    "Each setting is taken from its option, else from the environment (LINNIX_RING_SIZE for --ring-size), else from " +
      "the configuration file, else the default in brackets. Durations: 250ms, 2s, 5m. Sizes: 64KiB, 4MiB.",
  ],
  args: { ...SETTINGS, ...CONFIGURATION },
  examples: [
    { command: "sudo linnix collect", does: "watch, for people" },
    { command: "sudo linnix collect --format jsonl | jq .comm", does: "watch, for programs" },
    {
      command: "sudo linnix collect --events exit --min-duration 1s --duration 10m --output /var/log/exits.jsonl",
      does: "what ended within ten minutes after it had run for a second or more",
    },
    {
      command: "sudo linnix collect --format none --listen 127.0.0.1:3000",
      does: "answer at http://127.0.0.1:3000/, print nothing",
    },
    { command: "sudo linnix collect --pid 4242", does: "one process and all that descend from it" },
    { command: "linnix collect --print-config > linnix.toml", does: "a configuration file to begin with" },
  ],
  exits: [
    { code: EXIT.ok, meaning: "stopped by Ctrl-C, SIGTERM or --duration, after the summary" },
    { code: EXIT.usage, meaning: "unknown option, bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "cannot run here: privilege, kernel, output; linnix doctor tells more" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const { args, config, color } = data as Invocation;
    const stdoutIsTty = await isTerminal(1);
    const resolved = resolveAuto(config.settings, { stdoutIsTty });
    if (args.switches.has("print-config") && args.switches.has("check-config")) {
      throw usageError("contradiction", { what: "--print-config and --check-config", why: "only one can be done" });
    }
    if (args.switches.has("print-config")) {
      const { printSettings } = await import("../config/print.ts");
      writeStdout(printSettings(config.settings, resolved, config.origins));
      return EXIT.ok;
    }
    if (args.switches.has("check-config")) {
      await namingOrigins(config.origins, check(config.settings));
      writeStdout(`${config.file ?? "no configuration file"}: ok\n`);
      return EXIT.ok;
    }
    assertFloor();
    const { runCollect } = await import("../collect/run.ts");
    const { unblockStderr } = await import("../config/unblocked-stderr.ts");
    unblockStderr();
    const onTerminal = stdoutIsTty && resolved.output.file === null;
    const io = { stdout: 1, stderr: 2, isTty: onTerminal, color: color && onTerminal };
    const manager = await managerOf(process.env);
    let { file } = config;
    const { listen } = config.settings.api;
    const reread = async () => {
      const again = await readAgain(args, file);
      // That they cannot be taken over is told here, where it is known what gave them.
      await namingOrigins(again.origins, checkLive(again.settings, listen));
      file = again.file;
      return resolveAuto(again.settings, { stdoutIsTty });
    };
    return namingOrigins(config.origins, runCollect(resolved, io, { reread, manager }));
  },
});

/** Looks at what settings name beyond themselves. @throws LinnixError (exit code 2) as the start would */
async function check(settings: Settings): Promise<void> {
  const { checkCgroup, checkSettings } = await import("../collect/check.ts");
  await checkSettings(settings);
  const { cgroup } = settings.filters;
  if (cgroup !== null) checkCgroup(cgroup);
}

/** The same of settings that are taken over while it runs and answers at `listen`. */
async function checkLive(settings: Settings, listen: string | null): Promise<void> {
  const { checkSettings } = await import("../collect/check.ts");
  await checkSettings({ ...settings, run: { ...settings.run, user: null }, api: { ...settings.api, listen } });
}

/** The service manager that started this and waits for reports (Type=notify of systemd), if any. */
async function managerOf(env: NodeJS.ProcessEnv) {
  if (!env.NOTIFY_SOCKET) return undefined;
  const { ServiceManager } = await import("../collect/service-manager.ts");
  return ServiceManager.from(env);
}

/**
 * The settings as they would be if it were started now, with the same options and environment. That a file which was
 * there is gone is an error all the same: taken for the defaults, it would end redaction, say, without a word.
 */
async function readAgain(args: ParsedArgs, file: string | null): Promise<Loaded> {
  const loaded = await loadSettings({ flags: args.words, env: process.env, needsDefaultFile: file !== null });
  for (const warning of loaded.warnings) log.warn(warning);
  return loaded;
}
