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
    description: "print the settings in force as TOML",
    group: "Configuration",
  },
  "check-config": {
    type: "boolean",
    description: "check the settings and exit",
    group: "Configuration",
  },
};

/** Options for every setting, except for the settings of the log, whose options all commands have. */
const SETTINGS: OptionDefs = Object.assign(
  {},
  ...SECTION_LIST.filter(([name]) => name !== "log").map(([, section]) => optionsOf(section)),
);

export const collect = commandOf({
  about: [
    "Reports every fork, exec and exit as it happens, with command line, exit status and what the process used, and " +
      "samples CPU and memory every second. With --listen it serves a live page, events, processes and Prometheus " +
      "metrics over HTTP. Needs root, or CAP_BPF and CAP_PERFMON.",
    "linnix writes events to stdout (or --output), everything else to stderr. Ctrl-C, SIGTERM or --duration ends the " +
      "run with a summary.",
  ],
  details: [
    "Each setting comes from its option, else from the environment (LINNIX_RING_SIZE for --ring-size), else from the " +
      "configuration file. Brackets contain the default. Durations: 250ms, 2s, 5m. Sizes: 64KiB, 4MiB.",
    "SIGHUP opens --output again and reads the configuration again. The log names settings that need a restart. If " +
      "events go to a terminal, or the terminal of the run is gone, SIGHUP ends the run. SIGUSR1 writes the state of " +
      "the run to stderr.",
  ],
  args: { ...SETTINGS, ...CONFIGURATION },
  examples: [
    { command: "sudo linnix collect --format jsonl | jq .comm", does: "feed a program" },
    {
      command: "sudo linnix collect --format none --listen 127.0.0.1:3000",
      does: "serve http://127.0.0.1:3000/ and print nothing",
    },
    { command: "sudo linnix collect --pid 4242", does: "watch one process and its descendants", rare: true },
    {
      command: "sudo linnix collect --events exit --min-duration 1s --duration 10m",
      does: "report processes that lived for a second or more, for ten minutes",
      rare: true,
    },
    { command: "linnix collect --print-config > linnix.toml", does: "write a configuration file", rare: true },
  ],
  exits: [
    { code: EXIT.ok, meaning: "ended by Ctrl-C, SIGTERM or --duration, after the summary" },
    { code: EXIT.usage, meaning: "unknown option, bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "cannot run here; linnix doctor says why" },
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
      // Checks here, because errors name the origins of the settings, which only this function knows.
      await namingOrigins(again.origins, checkLive(again.settings, listen));
      file = again.file;
      return resolveAuto(again.settings, { stdoutIsTty });
    };
    return namingOrigins(config.origins, runCollect(resolved, io, { reread, manager }));
  },
});

/**
 * Checks the account, group, token and cgroup that settings name.
 * @throws LinnixError (exit code 2) as the start would
 */
async function check(settings: Settings): Promise<void> {
  const { checkCgroup, checkSettings } = await import("../collect/check.ts");
  await checkSettings(settings);
  const { cgroup } = settings.filters;
  if (cgroup !== null) checkCgroup(cgroup);
}

/**
 * Checks the group and the token that a reload names. The API still listens at `listen`, and the user has not changed.
 */
async function checkLive(settings: Settings, listen: string | null): Promise<void> {
  const { checkSettings } = await import("../collect/check.ts");
  await checkSettings({ ...settings, run: { ...settings.run, user: null }, api: { ...settings.api, listen } });
}

/** The service manager that waits for reports of this process (Type=notify of systemd); undefined if there is none. */
async function managerOf(env: NodeJS.ProcessEnv) {
  if (!env.NOTIFY_SOCKET) return undefined;
  const { ServiceManager } = await import("../collect/service-manager.ts");
  return ServiceManager.from(env);
}

/**
 * Reads the settings again, with the options and environment of the start. Throws if the file no longer exists,
 * because the defaults could silently switch redaction off.
 */
async function readAgain(args: ParsedArgs, file: string | null): Promise<Loaded> {
  const loaded = await loadSettings({ flags: args.words, env: process.env, needsDefaultFile: file !== null });
  for (const warning of loaded.warnings) log.warn(warning);
  return loaded;
}
