import type { Check } from "./check.ts";
import { type HostReader, readText } from "./host-reader.ts";

export interface AgentFacts {
  /** Processes that hold a BPF program or link open, this one apart. */
  holders: { pid: number; comm: string }[];
  /** What stood in the way of looking into all processes; null where nothing did. */
  gap: "privilege" | "number" | null;
}

/** Enough for thousands of processes; a machine with more is looked at in part. */
const MAX_FILE_DESCRIPTORS = 50_000;
const BPF_FILES = ["anon_inode:bpf-prog", "anon_inode:bpf_link"];
const SHOWN = 5;

export function readAgents(host: HostReader): AgentFacts {
  const holders: AgentFacts["holders"] = [];
  const self = host.readLink("/proc/self");
  let seen = 0;
  let gap: AgentFacts["gap"] = null;
  for (const pid of host.list("/proc")) {
    if (!/^\d+$/.test(pid) || pid === self) continue;
    const fds = host.list(`/proc/${pid}/fd`);
    // Kernel threads have none; of others, nothing means that they may not be looked into.
    if (fds.length === 0 && host.readLink(`/proc/${pid}/exe`) === null && isUserProcess(host, pid)) gap = "privilege";
    seen += fds.length;
    if (seen > MAX_FILE_DESCRIPTORS) return { holders, gap: "number" };
    if (fds.some((fd) => BPF_FILES.includes(host.readLink(`/proc/${pid}/fd/${fd}`) ?? ""))) {
      holders.push({ pid: Number(pid), comm: readText(host, `/proc/${pid}/comm`) ?? "?" });
    }
  }
  return { holders, gap };
}

function isUserProcess(host: HostReader, pid: string): boolean {
  return (readText(host, `/proc/${pid}/cmdline`) ?? "") !== "";
}

export function checkAgents({ holders, gap }: AgentFacts): Check {
  const check = { id: "bpf-agents", title: "other BPF users" };
  const rest = { privilege: "unknown without root", number: "too many processes to look into" };
  if (holders.length === 0) return { ...check, status: gap ? "info" : "ok", found: gap ? rest[gap] : "none" };
  const names = holders.slice(0, SHOWN).map(({ pid, comm }) => `${comm} (${pid})`);
  if (holders.length > SHOWN) names.push(`${holders.length - SHOWN} more`);
  return {
    ...check,
    status: "info",
    found: names.join(", ") + (gap ? `; the rest: ${rest[gap]}` : ""),
    costs: "what they cost is in the baseline of overhead-test, and makes it noisier",
  };
}
