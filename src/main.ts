import { commandIndex, parseArgv } from "./commands/argv.ts";
import type { OptionDefs, ParsedArgs } from "./commands/command.ts";
import { reportError } from "./commands/failure.ts";
import { GLOBAL_OPTIONS, withGlobalOptions } from "./commands/globals.ts";
import { type CommandEntry, findCommand, isInternal, listedCommands } from "./commands/index.ts";
import { writeStdout } from "./commands/stdout.ts";
import { isTerminal } from "./commands/terminal.ts";
import { loadSettings } from "./config/load.ts";
import { flushStderr, log, logLevel, setUpLog, writeStderr } from "./config/log.ts";
import { nearest } from "./config/nearest.ts";
import { quote } from "./config/units.ts";
import { EXIT, type ExitCode, usageError } from "./errors.ts";

/** From the words of the command line to an exit code. */
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
  const help = async (fd: 1 | 2) => {
    const { helpColumns, rootHelp } = await import("./commands/help.ts");
    return rootHelp(await helpColumns(fd));
  };
  if (await answered(args, () => help(1))) {
    return EXIT.ok;
  }
  writeStderr(await help(2));
  return EXIT.usage;
}

async function withCommand(entry: CommandEntry, words: readonly string[]): Promise<ExitCode> {
  if (entry.collects) (await import("./commands/runtime.ts")).settleRuntime();
  const command = await entry.load();
  const options = withGlobalOptions(command.args);
  const args = parseArgv(words, options, { command: `linnix ${entry.name}`, rest: command.rest !== undefined });
  const help = async () => {
    const { commandHelp, helpColumns } = await import("./commands/help.ts");
    return commandHelp(entry, command, await helpColumns(1));
  };
  if (await answered(args, help, "verbose" in command.args)) {
    return EXIT.ok;
  }
  // What linnix runs itself with gets all that it is to know on its command line.
  const surroundings = isInternal(entry.name) ? { env: {}, defaultFile: null } : { env: process.env };
  const config = await loadSettings({ flags: settingsOf(args, options), ...surroundings });
  const { level } = config.settings.log;
  setUpLog({ level, color: await mayColor(args, 2) });
  for (const warning of config.warnings) {
    log.warn(warning);
  }
  // Called here and not by citty's runCommand, which parses the words again in its own tolerant way (and costs 2.4 MB).
  return command.run({ data: { args, config, color: await mayColor(args, 1) } });
}

/** Options that say what the configuration is: a command's own `--duration` is not that of `collect`. */
function settingsOf({ words }: ParsedArgs, options: OptionDefs): ParsedArgs["words"] {
  return new Map([...words].filter(([name]) => name === "config" || options[name]?.isSetting));
}

/**
 * Gives help, version or licences where they are asked for.
 *
 * @param hasVerbose whether the command has a use of its own for --verbose
 */
async function answered({ switches }: ParsedArgs, help: () => Promise<string>, hasVerbose = false): Promise<boolean> {
  if (switches.has("help")) {
    writeStdout(await help());
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
  if (switches.has("verbose") && !hasVerbose) {
    throw usageError("missing-option", {
      what: "--verbose",
      why: "only goes with --version, and with overhead-test",
      hint: "for a more talkative log: --log-level debug",
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

/** Colour is for a person at a terminal that did not refuse it: https://no-color.org. */
async function mayColor({ switches }: ParsedArgs, fd: number): Promise<boolean> {
  const { NO_COLOR, TERM } = process.env;
  return !switches.has("no-color") && !NO_COLOR && TERM !== "dumb" && (await isTerminal(fd));
}

/** What looks like the log level: by it errors are told before the settings are known. */
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
  // Asked for now: a reload may have changed it.
  const level = logLevel() ?? apparentLogLevel(argv);
  void exit(reportError(error, { silent: level === "silent", stack: level === "debug" }));
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
main(argv).then(exit, fail);
