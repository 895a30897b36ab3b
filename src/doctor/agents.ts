import type { Check } from "./check.ts";
import { type HostReader, readFailure, readText } from "./host-reader.ts";

export interface AgentFacts {
  /** Processes other than this one that have a descriptor of a BPF program or link. */
  holders: { pid: number; comm: string }[];
  /** Why not all processes were checked: missing privileges, or too many descriptors. Null if all were checked. */
  gap: "privilege" | "number" | null;
}

/** Maximum number of descriptors to list, enough for thousands of processes. Further processes are not checked. */
const MAX_FILE_DESCRIPTORS = 50_000;
const BPF_FILES = ["anon_inode:bpf-prog", "anon_inode:bpf_link"];
const SHOWN = 5;

export function readAgents(host: HostReader): AgentFacts {
  const holders: AgentFacts["holders"] = [];
  const self = host.readLink("/proc/self");
  let seen = 0;
  const names = host.list("/proc");
  // Pid 1 always exists. If it is not listed, hidepid=2 hides the processes that this user may not inspect.
  let gap: AgentFacts["gap"] = names.includes("1") ? null : "privilege";
  for (const pid of names) {
    if (!/^\d+$/.test(pid) || pid === self) continue;
    const fds = host.list(`/proc/${pid}/fd`);
    // Kernel threads have no descriptors. If another process has no visible ones, this user may not list them.
    if (fds.length === 0 && host.readLink(`/proc/${pid}/exe`) === null && isUserProcess(host, pid)) gap = "privilege";
    seen += fds.length;
    if (seen > MAX_FILE_DESCRIPTORS) return { holders, gap: "number" };
    if (fds.some((fd) => BPF_FILES.includes(host.readLink(`/proc/${pid}/fd/${fd}`) ?? ""))) {
      holders.push({ pid: Number(pid), comm: readText(host, `/proc/${pid}/comm`) ?? "?" });
    }
  }
  return { holders, gap };
}

/**
 * Whether a process is not a kernel thread. If its command line is not readable (hidepid=1), it counts as a process.
 */
function isUserProcess(host: HostReader, pid: string): boolean {
  const path = `/proc/${pid}/cmdline`;
  return (readText(host, path) ?? "") !== "" || readFailure(host, path) === "denied";
}

export function checkAgents({ holders, gap }: AgentFacts): Check {
  const check = { id: "bpf-agents", title: "other BPF users" };
  const rest = { privilege: "unknown without root", number: "too many descriptors to check" };
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
