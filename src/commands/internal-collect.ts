import type { Collector } from "../collect/collector.ts";
import { resolveAuto } from "../config/load.ts";
import { log } from "../config/log.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { assertFloor } from "../floor.ts";
import { collect } from "./collect.ts";
import { commandOf, type Invocation } from "./command.ts";

/** `collect` whose probes can be detached and attached again. `overhead-test` measures the slowdown with it. */
export const internalCollect = commandOf({
  about: [
    "Runs like collect. At the line `detach` on standard input it detaches its probes and logs `detached`. At the line " +
      "`attach` it attaches them again and logs `attached`. It exits at the end of standard input.",
  ],
  args: collect.args,
  examples: [
    {
      command: "(sleep 1; echo detach; sleep 1; echo attach; sleep 1) | linnix __collect --format none",
      does: "watch, except for the second second",
    },
  ],
  exits: [
    { code: EXIT.ok, meaning: "ended after the summary" },
    { code: EXIT.usage, meaning: "bad value, bad configuration" },
    { code: EXIT.cannotRun, meaning: "cannot run here" },
  ],
  run: async ({ data }): Promise<ExitCode> => {
    const { config } = data as Invocation;
    const resolved = resolveAuto(config.settings, { stdoutIsTty: false });
    assertFloor();
    const { runCollect } = await import("../collect/run.ts");
    return runCollect(
      resolved,
      { stdout: 1, stderr: 2, isTty: false, color: false },
      { onWatching: (collector) => void obey(collector) },
    );
  },
});

async function obey(collector: Collector): Promise<void> {
  for await (const line of console) {
    if (line === "detach") {
      collector.detach();
      log.info("detached");
    } else if (line === "attach") {
      // If the probes were attached twice, each event would be reported twice.
      collector.detach();
      collector.attach();
      log.info("attached");
    }
  }
  process.kill(process.pid, "SIGTERM");
}
