import { TOTALS_ALL, TOTALS_OTHER } from "../wire/layout.gen.ts";
import { type Group, keyOf } from "./group.ts";

const ALL = keyOf(0n, "", TOTALS_ALL);

/**
 * The group in which the kernel side counted the exit of a process. If the process's own group has no place, that is
 * the rest of its cgroup, or the rest of all cgroups. A group keeps its place during the interval.
 * @param key of the process's own group
 * @param groups groups of an interval, by key
 * @returns undefined if no such group counted an exit
 */
export function groupOfEnd(key: string, groups: ReadonlyMap<string, Group>): Group | undefined {
  const own = groups.get(key);
  const places = own ? [own] : [groups.get(restOfCgroup(key)), groups.get(ALL)];
  return places.find((group) => group !== undefined && group.exited > 0);
}

function restOfCgroup(key: string): string {
  const [, cgroupId = "0"] = key.split("/", 2);
  return keyOf(BigInt(cgroupId), "", TOTALS_OTHER);
}
