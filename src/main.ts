import { commandIndex, parseArgv } from "./commands/argv.ts";
import type { OptionDefs, ParsedArgs } from "./commands/command.ts";
import { reportError } from "./commands/failure.ts";
import { GLOBAL_OPTIONS, withGlobalOptions } from "./commands/globals.ts";
import type { HelpForm } from "./commands/help.ts";
import { type CommandEntry, findCommand, isInternal, listedCommands } from "./commands/index.ts";
import { writeStdout } from "./commands/stdout.ts";
import { isTerminal } from "./commands/terminal.ts";
import { loadSettings } from "./config/load.ts";
import { flushStderr, log, logLevel, setUpLog, writeStderr } from "./config/log.ts";
import { nearest } from "./config/nearest.ts";
import { quote } from "./config/units.ts";
import { EXIT, type ExitCode, usageError } from "./errors.ts";

/** Runs the command line. Returns the exit code. */
async function main(argv: readonly string[]): Promise<ExitCode> {
  const at = commandIndex(argv, GLOBAL_OPTIONS);
  const before = at < 0 ? argv : argv.slice(0, at);
  const general = parseArgv(before, GLOBAL_OPTIONS, { command: "linnix", rest: false });
  const name = argv[at];
  if (name === undefined) {
    return withoutCommand(general);
  }
  const after = argv.slice(at + 1);
  if (name === "help") {
    return main([...before, ...after, "--help"]);
  }
  const entry = findCommand(name);
  if (entry === undefined) {
    throw unknownCommand(name);
  }
  return withCommand(entry, [...before, ...after]);
}

async function withoutCommand(args: ParsedArgs): Promise<ExitCode> {
  const help = async (fd: 1 | 2, form: HelpForm) => {
    const { helpColumns, rootHelp } = await import("./commands/help.ts");
    return rootHelp(await helpColumns(fd), form);
  };
  if (await answered(args, (form) => help(1, form))) {
    return EXIT.ok;
  }
  writeStderr(await help(2, "short"));
  return EXIT.usage;
}

async function withCommand(entry: CommandEntry, words: readonly string[]): Promise<ExitCode> {
  if (entry.collects) (await import("./commands/runtime.ts")).settleRuntime();
  const command = await entry.load();
  const options = withGlobalOptions(command.args);
  const args = parseArgv(words, options, { command: `linnix ${entry.name}`, rest: command.rest !== undefined });
  const help = async (form: HelpForm) => {
    const { commandHelp, helpColumns } = await import("./commands/help.ts");
    return commandHelp(entry, command, await helpColumns(1), form);
  };
  if (await answered(args, help, "verbose" in command.args)) {
    return EXIT.ok;
  }
  // Internal commands get all that they need on their command line.
  const surroundings = isInternal(entry.name) ? { env: {}, defaultFile: null } : { env: process.env };
  const config = await loadSettings({ flags: settingsOf(args, options), ...surroundings });
  const { level } = config.settings.log;
  setUpLog({ level, color: await mayColor(args, 2) });
  for (const warning of config.warnings) {
    log.warn(warning);
  }
  // Does not use citty's runCommand, which parses the words again, less strictly, and takes 2.4 MB.
  return command.run({ data: { args, config, color: await mayColor(args, 1) } });
}

/** The given options that set keys of the configuration. `--duration` of `overhead-test`, for example, sets none. */
function settingsOf({ words }: ParsedArgs, options: OptionDefs): ParsedArgs["words"] {
  return new Map([...words].filter(([name]) => name === "config" || options[name]?.isSetting));
}

/**
 * Prints help, version or licences if an option requests it.
 *
 * @param hasVerbose whether the command has its own --verbose option
 * @returns whether it printed something
 * @throws LinnixError (exit code 2) for --all or --verbose without the option that it belongs to
 */
async function answered(
  { switches }: ParsedArgs,
  help: (form: HelpForm) => Promise<string>,
  hasVerbose = false,
): Promise<boolean> {
  if (switches.has("help")) {
    writeStdout(await help(switches.has("all") ? "all" : "short"));
    return true;
  }
  if (switches.has("version")) {
    const { verboseVersionText, versionText } = await import("./version.ts");
    writeStdout(`${switches.has("verbose") ? verboseVersionText() : versionText()}\n`);
    return true;
  }
  if (switches.has("licences")) {
    const { licencesText } = await import("./licences.ts");
    writeStdout(licencesText());
    return true;
  }
  if (switches.has("all")) {
    throw usageError("missing-option", { what: "--all", why: "only goes with --help" });
  }
  if (switches.has("verbose") && !hasVerbose) {
    throw usageError("missing-option", {
      what: "--verbose",
      why: "only goes with --version, and with overhead-test",
      hint: "for a more detailed log: --log-level debug",
    });
  }
  return false;
}

function unknownCommand(name: string) {
  const names = listedCommands().flatMap((entry) => [entry.name, ...(entry.aliases ?? [])]);
  const near = nearest(name, [...names, "help", "--help", "--version"]);
  return usageError("unknown-command", {
    what: `unknown command ${quote(name)}`,
    hint: near === null ? `known: ${names.join(", ")}` : `did you mean ${near}? known: ${names.join(", ")}`,
  });
}

/**
 * Whether output to this descriptor may be coloured: on a terminal, unless the user refuses it (https://no-color.org).
 */
async function mayColor({ switches }: ParsedArgs, fd: number): Promise<boolean> {
  const { NO_COLOR, TERM } = process.env;
  return !switches.has("no-color") && !NO_COLOR && TERM !== "dumb" && (await isTerminal(fd));
}

/** The log level that options or environment seem to set, for errors before the settings are known. */
function apparentLogLevel(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word) => word === "--" || word.startsWith("--log-level"));
  const [, inline] = argv[at]?.split("=") ?? [];
  return argv[at]?.startsWith("--log-level") ? (inline ?? argv[at + 1]) : process.env.LINNIX_LOG_LEVEL;
}

const argv = process.argv.slice(2);

async function exit(code: ExitCode): Promise<never> {
  await flushStderr();
  process.exit(code);
}

function fail(error: unknown): void {
  // Read at this moment, because a reload may have changed it.
  const level = logLevel() ?? apparentLogLevel(argv);
  void exit(reportError(error, { silent: level === "silent", stack: level === "debug" }));
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
main(argv).then(exit, fail);
