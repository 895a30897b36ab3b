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
import { readTracefs, type TracefsFacts } from "./tracefs.ts";

/** All that was read off a machine; the checks judge it without looking again. */
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
}

const STEAL_WINDOW_MS = 500;

export async function readFacts(host: HostReader, { stealWindowMs = STEAL_WINDOW_MS } = {}): Promise<Facts> {
  // What takes time runs while steal time is watched.
  const [clock, programs, audit] = await Promise.all([
    readClock(host, stealWindowMs),
    readPrograms(host),
    readAudit(host),
  ]);
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
    machine: readMachine(host),
    programs,
    audit,
    ptraceScope: readPtraceScope(host),
    agents: readAgents(host),
  };
}
