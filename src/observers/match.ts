import type { Sighting } from "./observer.ts";

/** A process that is known to have lived, from the workload that made it (`SpawnTruth`). */
export interface TruthProcess {
  pid: number;
  /** ASCII text that only this process has in its arguments. */
  nonce: string;
  /** It started between these: CLOCK_BOOTTIME before and after it was spawned, ns. */
  spawnedFromNs: bigint;
  spawnedByNs: bigint;
  /**
   * The requested lifetime, ms, by which the results are grouped. Null if the process lived as long as its work took.
   */
  lifetimeMs: number | null;
  /** Absolute path of what it executes. */
  path?: string;
}

/** How many processes of one kind there were, and how many of them a method's output named. */
export interface Capture {
  total: number;
  seen: number;
  /** % of total; null if there was none. */
  capturePct: number | null;
}

export interface LifetimeCapture extends Capture {
  lifetimeMs: number | null;
}

export interface MatchResult extends Capture {
  /** By lifetime, shortest first. Processes without a set lifetime come last. */
  byLifetime: LifetimeCapture[];
  /** For each truth item, in order: was it seen. */
  seenFlags: boolean[];
  /** Processes outside the truth that executed a program according to a sighting. Each counts once. */
  othersExecuted: number;
}

/**
 * Whether a sighting with the pid of a process also has its nonce or its start time. A pid alone does not identify a
 * process.
 */
function names(sighting: Sighting, truth: TruthProcess): boolean {
  const { args, startNs } = sighting;
  if (typeof args === "string") {
    if (args.includes(truth.nonce)) return true;
  } else if (args?.some((arg) => arg.includes(truth.nonce))) {
    return true;
  }
  if (startNs === undefined) return false;
  // A start time that was rounded down can be any time in that step.
  const step = sighting.startGridNs ?? 0n;
  const last = step > 0n ? startNs + step - 1n : startNs;
  return last >= truth.spawnedFromNs && startNs <= truth.spawnedByNs;
}

/** The name that the kernel gives a process that executes that path. */
function commOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).slice(0, 15);
}

function capture(total: number, seen: number): Capture {
  return { total, seen, capturePct: total === 0 ? null : (100 * seen) / total };
}

/**
 * Finds which processes of the truth a method has seen. A sighting identifies a process by pid and nonce, or by pid and
 * start time. A method that reports only sums has seen as many processes of a name as it counted. A recycled pid is
 * another process, even if both processes belong to the truth.
 */
export function matchSightings(truth: readonly TruthProcess[], sightings: Iterable<Sighting>): MatchResult {
  const byPid = new Map<number, number[]>();
  truth.forEach((process, index) => {
    const holders = byPid.get(process.pid);
    if (holders === undefined) byPid.set(process.pid, [index]);
    else holders.push(index);
  });

  const seenFlags = new Array<boolean>(truth.length).fill(false);
  const others = new Set<number>();
  const sums = new Map<string, number>();
  const firstNs = truth.reduce<bigint | null>(
    (first, { spawnedFromNs: ns }) => (first === null || ns < first ? ns : first),
    null,
  );
  for (const sighting of sightings) {
    if (sighting.sum) {
      const { comm, count, untilNs } = sighting.sum;
      // Processes that ended before the first process of the truth began do not belong to the truth.
      if (firstNs !== null && untilNs >= firstNs) sums.set(comm, (sums.get(comm) ?? 0) + count);
      continue;
    }
    const holders = byPid.get(sighting.pid);
    if (holders === undefined) {
      if (sighting.what === "exec") others.add(sighting.pid);
      continue;
    }
    for (const index of holders) {
      if (names(sighting, truth[index] as TruthProcess)) seenFlags[index] = true;
    }
  }

  truth.forEach(({ path }, index) => {
    const comm = commOf(path ?? "");
    const left = sums.get(comm) ?? 0;
    if (left === 0) return;
    seenFlags[index] = true;
    sums.set(comm, left - 1);
  });
  const othersCounted = [...sums.values()].reduce((all, left) => all + left, 0);

  const classes = new Map<number | null, { total: number; seen: number }>();
  truth.forEach((process, index) => {
    const group = classes.get(process.lifetimeMs) ?? { total: 0, seen: 0 };
    group.total += 1;
    if (seenFlags[index]) group.seen += 1;
    classes.set(process.lifetimeMs, group);
  });
  const byLifetime = [...classes]
    .sort(([a], [b]) => (a ?? Number.POSITIVE_INFINITY) - (b ?? Number.POSITIVE_INFINITY))
    .map(([lifetimeMs, group]) => ({ lifetimeMs, ...capture(group.total, group.seen) }));
  const seen = seenFlags.reduce((sum, flag) => sum + (flag ? 1 : 0), 0);
  return { ...capture(truth.length, seen), byLifetime, seenFlags, othersExecuted: others.size + othersCounted };
}
