import { resolveAuto } from "../config/load.ts";
import { choice, durationMs, optionalPath } from "../config/values.ts";
import { EXIT, type ExitCode, LinnixError, usageError } from "../errors.ts";
import { daemonAddress } from "../top/address.ts";
import { SORTS } from "../top/sorting.ts";
import { commandOf, type Invocation, optionValue } from "./command.ts";
import { writeStdout } from "./stdout.ts";
import { isTerminal } from "./terminal.ts";

const INTERVAL = durationMs({ min: "100ms", max: "1m", example: "1s" });
const SORT = choice(SORTS);

export const top = commandOf({
  about: [
    "Shows the processes of this machine and what they use, every second: a list, a tree, groups (units, containers), " +
      "and short-lived processes, which start and end between two refreshes. The header shows what linnix costs.",
    "Needs root, or CAP_BPF and CAP_PERFMON, unless --connect names a running daemon.",
    "Keys: 1 to 4 choose the view, s sorts, / searches, space pauses, Enter shows one process, h lists all, q quits.",
  ],
  details: ["Redaction, budget, backend and ring size come from the configuration. Filters are not applied."],
  args: {
    connect: {
      type: "string",
      valueHint: "ADDRESS",
      description: "read a running daemon: unix:/run/linnix/linnix.sock or HOST:PORT",
      defaultText: "top collects itself",
    },
    "token-file": {
      type: "string",
      valueHint: "FILE",
      description: "file with the token of that daemon; LINNIX_API_TOKEN takes precedence",
    },
    interval: { type: "string", valueHint: "DURATION", description: "time between two refreshes", defaultText: "1s" },
    sort: {
      type: "string",
      valueHint: "KEY",
      description: `order of the list: ${SORTS.join(", ")}`,
      defaultText: "cpu",
    },
    once: { type: "boolean", description: "print one refresh as text and end" },
    json: { type: "boolean", description: "print one refresh as JSON and end" },
  },
  examples: [
    { command: "sudo linnix top", does: "watch this machine" },
    { command: "sudo linnix top --connect unix:/run/linnix/linnix.sock", does: "ask a daemon that runs already" },
    { command: "sudo linnix top --once > top.txt", does: "print one refresh, for a ticket" },
    { command: "sudo linnix top --json | jq .short_lived", does: "print one refresh, for a program" },
  ],
  exits: [
    { code: EXIT.ok, meaning: "quit, or one refresh was printed" },
    { code: EXIT.usage, meaning: "unknown option, bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "cannot run here, no terminal, or the daemon does not answer" },
    { code: EXIT.sigint, meaning: "ended by Ctrl-C (143: by SIGTERM) before the one refresh was printed" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const { args, config, color } = data as Invocation;
    const isOnce = args.switches.has("once");
    const isJson = args.switches.has("json");
    if (isOnce && isJson) throw usageError("contradiction", { what: "--once and --json", why: "only one can be done" });
    const connect = args.words.has("connect") ? optionValue(args, "connect", daemonAddress, null as never) : null;
    const tokenFile = optionValue(args, "token-file", optionalPath, null);
    if (tokenFile !== null && connect === null) {
      throw usageError("missing-option", { what: "--token-file", why: "only goes with --connect" });
    }
    const options = {
      connect,
      token: null as string | null,
      intervalMs: optionValue(args, "interval", INTERVAL, 1000),
      sort: optionValue(args, "sort", SORT, "cpu" as const),
      color,
      once: isJson ? ("json" as const) : isOnce ? ("text" as const) : null,
    };
    if (connect !== null) {
      const { readToken } = await import("../api/token.ts");
      options.token = readToken(tokenFile);
    } else {
      const { assertFloor } = await import("../floor.ts");
      assertFloor();
    }
    const { runTop } = await import("../top/run.ts");
    try {
      return await runTop(settingsOf(config.settings, options.intervalMs, await isTerminal(1)), options, writeStdout);
    } catch (error) {
      throw connect === null ? withConnectHint(error) : error;
    }
  },
});

/** The settings of the collector in `top`. It watches every process and samples at each refresh, regardless of the
 * configuration. */
function settingsOf(settings: Invocation["config"]["settings"], intervalMs: number, stdoutIsTty: boolean) {
  const { filters, probes, ring } = settings;
  return resolveAuto(
    {
      ...settings,
      filters: { ...filters, pids: [], uids: [], comms: [], cgroup: null, minDurationNs: 0 },
      probes: { ...probes, detail: "events", events: ["fork", "exec", "exit"], pageFaults: false },
      sampling: { ...settings.sampling, intervalMs },
      ring: { ...ring, flushIntervalMs: intervalMs },
    },
    { stdoutIsTty },
  );
}

/**
 * Adds the hint to read a running daemon if this user cannot collect. Without a terminal this hint would not help, so
 * the error stays unchanged.
 */
function withConnectHint(error: unknown): unknown {
  if (!(error instanceof LinnixError) || process.geteuid?.() === 0 || error.exitCode !== EXIT.cannotRun) return error;
  if (error.code === "cannot-run.no-terminal") return error;
  const { code, exitCode, what, why, setting } = error;
  const hint = `${error.hint ?? "run it as root"}; or read a running daemon: --connect unix:/run/linnix/linnix.sock`;
  return new LinnixError(code, exitCode, { what, why, hint, setting }, { cause: error });
}
