import type { Place } from "../cgroup/place.ts";
import { textOf } from "../json/text.ts";
import type { TotalsEvent } from "../wire/event.ts";
import { FIRST_LIFETIME_BUCKET, LIFETIME_BUCKETS } from "../wire/layout.gen.ts";
import { Group } from "./group.ts";
import type { Running } from "./running.ts";

export interface Interval {
  time: string;
  fromNs: bigint;
  toNs: bigint;
}

export interface LineFacts {
  /** Whether this backend reports the exit status and the figures of ended processes. */
  knowsExits: boolean;
  running: ReadonlyMap<string, Running>;
  /** CPU time used in the interval by group, ns; null without sampling. */
  usedNs: ReadonlyMap<string, number> | null;
  placeOf(cgroupId: bigint): Place | undefined;
}

const NAME_OF_REST = "other";

/** The lines of an interval, one for each group in which something happened or whose processes used CPU time. */
export function totalsLines(groups: readonly Group[], interval: Interval, facts: LineFacts): TotalsEvent[] {
  const named = new Set(groups.map((group) => group.key));
  const idle = [...(facts.usedNs?.keys() ?? [])].filter((key) => !named.has(key)).map(groupOf);
  return [...groups, ...idle].map((group) => lineOf(group, interval, facts));
}

/** A group in which nothing started or ended. */
function groupOf(key: string): Group {
  const [kind, cgroupId = "0", ...comm] = key.split("/");
  return new Group(BigInt(cgroupId), comm.join("/"), Number(kind));
}

function lineOf(group: Group, { time, fromNs, toNs }: Interval, facts: LineFacts): TotalsEvent {
  const { knowsExits, usedNs } = facts;
  const known = <T>(figure: T): T | null => (knowsExits ? figure : null);
  const { key } = group;
  const running = group.isOther ? undefined : facts.running.get(key);
  const place = group.cgroupId === 0n ? undefined : facts.placeOf(group.cgroupId);
  return {
    type: "totals",
    time,
    ts_ns: toNs,
    from_ns: fromNs,
    to_ns: toNs,
    cgroup_id: group.cgroupId === 0n ? null : group.cgroupId,
    comm: group.isOther ? NAME_OF_REST : textOf(Buffer.from(group.comm, "latin1")),
    other: group.isOther,
    ...placeFields(place),
    started: group.figure("started"),
    execs: group.figure("execs"),
    exited: {
      ok: known(group.figure("exited_ok")),
      error: known(group.figure("exited_error")),
      signal: known(group.figure("exited_signal")),
      unknown: group.figure("exited_unknown"),
    },
    exited_cpu_user_ns: known(group.figure("cpu_user_ns")),
    exited_cpu_system_ns: known(group.figure("cpu_system_ns")),
    cpu_ns: usedNs === null ? null : (usedNs.get(key) ?? 0),
    peak_rss_bytes: known(group.figure("peak_rss_bytes")),
    read_bytes: known(group.figure("read_bytes")),
    write_bytes: known(group.figure("write_bytes")),
    running: group.isOther ? null : (running?.processes ?? 0),
    rss_bytes: usedNs === null || group.isOther ? null : (running?.rssBytes ?? 0),
    lifetime_ns: known(lifetimes(group)),
  };
}

/** Unknown fields are left out. */
function placeFields(place: Place | undefined): Pick<TotalsEvent, "cgroup" | "container" | "unit"> {
  if (!place) return {};
  const { cgroup, container, unit } = place;
  return { ...(cgroup !== null && { cgroup }), ...(container && { container }), ...(unit !== null && { unit }) };
}

function lifetimes(group: Group): [number, number][] {
  const counts: [number, number][] = [];
  for (let bucket = 0; bucket < LIFETIME_BUCKETS; bucket++) {
    const count = group.lifetimes(bucket);
    if (count > 0) counts.push([bucket + FIRST_LIFETIME_BUCKET, count]);
  }
  return counts;
}
