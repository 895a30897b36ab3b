import type { Check } from "./check.ts";
import { type HostReader, readFailure, readText } from "./host-reader.ts";

export interface AgentFacts {
  /** Processes that hold a BPF program or link open, this one apart. */
  holders: { pid: number; comm: string }[];
  /** What stood in the way of looking into all processes; null if nothing did. */
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
  const names = host.list("/proc");
  // Pid 1 is always there: it is not in the list where hidepid=2 hides what this user may not look into.
  let gap: AgentFacts["gap"] = names.includes("1") ? null : "privilege";
  for (const pid of names) {
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

/** Whether it is no kernel thread, as far as this user may know: with hidepid=1 not even the command line is readable. */
function isUserProcess(host: HostReader, pid: string): boolean {
  const path = `/proc/${pid}/cmdline`;
  return (readText(host, path) ?? "") !== "" || readFailure(host, path) === "denied";
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
    costs: "the baseline of overhead-test includes their cost, and is noisier",
  };
}
