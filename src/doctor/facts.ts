import { defaultSettings } from "../config/print.ts";
import { ringBytesOf } from "../config/ring-size.ts";
import type { Settings } from "../config/schema.ts";
import { parseMountinfo } from "../procfs/mountinfo.ts";
import { type AgentFacts, readAgents } from "./agents.ts";
import { type AuditFacts, readAudit } from "./audit.ts";
import { type CgroupFacts, readCgroup } from "./cgroup.ts";
import { type ClockFacts, readClock } from "./clock.ts";
import { type HostReader, readText } from "./host-reader.ts";
import { type JitFacts, readJit } from "./jit.ts";
import { type KernelFacts, readKernel } from "./kernel.ts";
import { type LockdownFacts, readLockdown } from "./lockdown.ts";
import { type MachineFacts, readMachine } from "./machine.ts";
import { type NamespaceFacts, readNamespaces } from "./namespaces.ts";
import { type PerfFacts, readPerf } from "./perf.ts";
import { type PrivilegeFacts, readPrivileges } from "./privileges.ts";
import { type ProgramFacts, readPrograms } from "./programs.ts";
import { readPtraceScope } from "./ptrace.ts";
import { readSampling, type SamplingFacts } from "./sampling.ts";
import { readTempFolder, type TempFolderFacts } from "./temp-folder.ts";
import { readTracefs, type TracefsFacts } from "./tracefs.ts";
import { readTrial, type TrialFacts } from "./trial.ts";

/** Everything that was read from a machine. The checks read nothing else. */
export interface Facts {
  kernel: KernelFacts;
  jit: JitFacts;
  privileges: PrivilegeFacts;
  lockdown: LockdownFacts;
  tracefs: TracefsFacts;
  perf: PerfFacts;
  sampling: SamplingFacts;
  namespaces: NamespaceFacts;
  cgroup: CgroupFacts;
  clock: ClockFacts;
  machine: MachineFacts;
  programs: ProgramFacts;
  audit: AuditFacts;
  ptraceScope: number | null;
  agents: AgentFacts;
  /** Size of each ring with the settings in force. */
  ringBytes: number;
  /** Result of starting a collector; null if none was started, because no settings were given. */
  trial: TrialFacts | null;
  tempFolder: TempFolderFacts | null;
}

const STEAL_WINDOW_MS = 500;

export interface ReadOptions {
  stealWindowMs?: number;
  /**
   * Settings in force, with which a collector is started and a temporary folder is made. If absent, neither is done.
   */
  settings?: Settings | undefined;
}

export async function readFacts(host: HostReader, options: ReadOptions = {}): Promise<Facts> {
  const { stealWindowMs = STEAL_WINDOW_MS, settings } = options;
  // The slow reads run while steal time is measured.
  const [clock, programs, audit] = await Promise.all([
    readClock(host, stealWindowMs),
    readPrograms(host),
    readAudit(host),
  ]);
  const machine = readMachine(host);
  const mounts = parseMountinfo(readText(host, "/proc/self/mountinfo") ?? "");
  return {
    kernel: readKernel(host),
    jit: readJit(host),
    privileges: readPrivileges(host),
    lockdown: readLockdown(host),
    tracefs: readTracefs(host, mounts),
    perf: readPerf(host),
    sampling: readSampling(host),
    namespaces: readNamespaces(host, mounts),
    cgroup: readCgroup(mounts),
    clock,
    machine,
    programs,
    audit,
    ptraceScope: readPtraceScope(host),
    agents: readAgents(host),
    ringBytes: ringBytesOf((settings ?? defaultSettings()).ring, () => machine.cpusOnline ?? 1),
    // The trial comes last, so that it takes no descriptors from the other reads.
    trial: settings ? await readTrial(settings) : null,
    tempFolder: settings ? readTempFolder() : null,
  };
}
