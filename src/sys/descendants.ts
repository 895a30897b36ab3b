/** Every process that descends from this one, whatever session, parent, account or environment it has now. */
import { readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { RUSAGE_WORDS } from "./clock.ts";
import { libc } from "./libc.ts";

/** linux/prctl.h */
const PR_SET_CHILD_SUBREAPER = 36;
/** linux/wait.h: children of any kind of clone(2). */
const WNOHANG = 1;
const WALL = 0x40000000;
const ANY = -1;
/**
 * For how long the loop makes no pause between two walks, ms. A process that forks and ends immediately lives for only
 * some 100 µs.
 */
const SPIN_MS = 2_000;
const PAUSE_MS = 5;
/**
 * How long to wait for a process that survives SIGKILL, ms. Such a process hangs in the kernel, or belongs to another
 * account.
 */
const MOST_MS = 8_000;

/** A process that could not be ended. */
export interface LeftProcess {
  pid: number;
  comm: string;
}

/** A child that has ended, as wait4(2) reports it. */
export interface EndedChild {
  pid: number;
  /** Wait status. */
  status: number;
  userUs: number;
  systemUs: number;
}

/**
 * Makes this process a subreaper: orphaned descendants become its children, not those of init or a subreaper above it.
 */
export function adoptOrphans(): void {
  libc().prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n);
}

const statusOut = new Int32Array(1);
const rusageOut = new BigInt64Array(RUSAGE_WORDS);

/** Reaps a child that has ended. @returns "running" if none has; "none" if there is no child at all */
export function reapChild(): EndedChild | "running" | "none" {
  const pid = libc().wait4(ANY, statusOut, WNOHANG | WALL, rusageOut);
  if (pid === 0) return "running";
  if (pid < 0) return "none";
  const micros = (at: number): number => Number((rusageOut[at] ?? 0n) * 1_000_000n + (rusageOut[at + 1] ?? 0n));
  return { pid, status: statusOut[0] ?? 0, userUs: micros(0), systemUs: micros(2) };
}

/** Sends a signal to every process of a group. */
export function signalGroup(leader: number, signal: number): void {
  libc().kill(-leader, signal);
}

/**
 * Sends SIGKILL to all descendants of this process until it has no child. {@link adoptOrphans} must be called before
 * the first descendant is started. The descendants must be in other sessions than this process.
 *
 * @returns the descendants that still live when it gives up
 */
export async function endDescendants(): Promise<LeftProcess[]> {
  const { kill, getpgid, getsid, setpriority } = libc();
  const { SIGKILL } = constants.signals;
  const ownSession = getsid(0);
  // A process that forks all the time must not get more CPU time than this one. The kernel may refuse the priority.
  setpriority(0, 0, -20);
  const began = performance.now();
  for (;;) {
    let child = reapChild();
    while (typeof child === "object") child = reapChild();
    if (child === "none") return [];
    for (const pid of walk(process.pid)) {
      const group = getpgid(pid);
      // No member of a group can fork while the kernel signals the group. A group of another session excludes us.
      if (group > 1 && getsid(pid) !== ownSession) kill(-group, SIGKILL);
      kill(pid, SIGKILL);
    }
    const elapsed = performance.now() - began;
    if (elapsed > MOST_MS) return [...walk(process.pid)].map((pid) => ({ pid, comm: commOf(pid) }));
    await Bun.sleep(elapsed < SPIN_MS ? 0 : PAUSE_MS);
  }
}

/**
 * All descendants of a process, each before its own children. If a process ends during the walk, its children become
 * children of this process, and the next walk finds them.
 */
function* walk(root: number, depth = 0): Generator<number> {
  // Limits the recursion. The next walk finds deeper descendants at a smaller depth, after their ancestors have ended.
  if (depth > 1_000) return;
  for (const pid of childrenOf(root)) {
    yield pid;
    yield* walk(pid, depth + 1);
  }
}

function childrenOf(pid: number): number[] {
  const found: number[] = [];
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1");
      for (const word of text.split(" ")) if (word !== "") found.push(Number(word));
    }
    return found;
  } catch (error) {
    // The process has ended, or the kernel was built without these files.
    return (error as NodeJS.ErrnoException).code === "ENOENT" && pid === process.pid ? scanForChildren() : found;
  }
}

/** All descendants of this process, not only its children, from a scan of /proc. */
function scanForChildren(): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^[1-9]\d*$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // The name can contain any characters. After it come the state and the ppid.
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // The process has ended.
    }
  }
  const descends = (pid: number): boolean => {
    for (
      let at = parents.get(pid), steps = 0;
      at !== undefined && steps < parents.size;
      at = parents.get(at), steps++
    ) {
      if (at === process.pid) return true;
    }
    return false;
  };
  return [...parents.keys()].filter(descends);
}

function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trimEnd();
  } catch {
    return "";
  }
}
