import { TOTALS_ALL, TOTALS_OTHER } from "../wire/layout.gen.ts";
import { type Group, keyOf } from "./group.ts";

const ALL = keyOf(0n, "", TOTALS_ALL);

/**
 * The group in which the kernel side counted the exit of a process. If its own group has no place, it is the rest of
 * its cgroup, or the rest of all cgroups. A group that has a place keeps it for the interval.
 * @param key of its own group
 * @param groups of an interval, by key
 * @returns undefined if the end is in none of them
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
