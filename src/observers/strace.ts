import { join } from "node:path";
import { cannotRunError, usageError } from "../errors.ts";
import { findTool, firstLine, runTool } from "../sys/tool.ts";
import { defineObserver, needProgram } from "./define.ts";
import type { Program } from "./observer.ts";
import { isOurs, tracersOf } from "./proc-fs.ts";
import { parseStrace } from "./strace-log.ts";
import { startTool } from "./tool-observer.ts";

const STRACE: Program = { name: "strace", debian: "strace", version: ["-V"] };
/** Maximum length of a string that strace prints, bytes. strace's default of 32 can cut the nonce. */
const MAX_STRING_BYTES = 256;

function logPath(folder: string): string {
  return join(folder, "trace");
}

/** `strace -f -e trace=process`, attached to the workload. linnix attaches it only to its own descendants. */
export const strace = defineObserver({
  name: "strace",
  summary: "`strace -f -e trace=process` on the workload",
  programs: [STRACE],
  needs: { checks: ["ptrace-scope"] },
  kind: "events",
  scope: "workload",
  inKernel: "ptrace",
  reports: ["fork", "exec", "exit", "args", "status"],
  objection: async () => {
    // An installed strace may lack permission: containers often forbid ptrace(2).
    const probe = await runTool([needProgram(STRACE), "-o", "/dev/null", findTool("true") ?? "/bin/true"]);
    if (probe.status === 0) return null;
    return {
      ok: false,
      reason: `strace may not trace here: ${firstLine(probe.stderr)}`,
      hint: "allow ptrace (in a container: --cap-add SYS_PTRACE and a seccomp profile with ptrace)",
    };
  },
  start: async (context) => {
    const path = needProgram(STRACE);
    const { workloadPid } = context;
    const pids = workloadPid === null ? [] : [workloadPid, ...(context.alsoPids ?? [])];
    const foreign = pids.find((pid) => pid === process.pid || !isOurs(pid));
    if (pids.length === 0 || foreign !== undefined) {
      throw usageError("strace-target", {
        what: `strace is only attached to the workload of linnix, and ${foreign === undefined ? "there is none" : `process ${foreign} is not part of it`}`,
      });
    }
    if (pids.some((pid) => tracersOf(pid).some((tracer) => tracer !== 0))) {
      throw cannotRunError("traced", {
        what: "another program traces the workload already",
        hint: "detach the other tracer",
      });
    }
    return startTool(context, {
      name: "strace",
      argv: (folder) => [
        path,
        ...["-f", "-e", "trace=process", "-s", String(MAX_STRING_BYTES)],
        ...["-o", logPath(folder), ...pids.flatMap((pid) => ["-p", String(pid)])],
      ],
      // At SIGTERM, strace detaches from all processes before it ends. It waits for a process that is in vfork(2), and
      // the child of that process may wait for strace. Then both wait until the supervisor kills strace. If linnix
      // dies, the kernel kills strace immediately and detaches the traced processes.
      stopSignal: "SIGTERM",
      ready: (tool) => {
        const tracers = pids.flatMap(tracersOf);
        return tracers.length > 0 && tracers.every((tracer) => tracer === tool.pid);
      },
      parse: parseStrace,
      intervalMs: null,
      outputPath: logPath,
    });
  },
});
