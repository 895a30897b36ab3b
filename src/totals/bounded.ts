import { MAX_COMMS, TOTALS_OTHER } from "../wire/layout.gen.ts";
import { Group } from "./group.ts";

/**
 * Groups with the same key as one, and at most `MAX_COMMS` names of a cgroup: programs that enter a group at the same time
 * may take two places for it, or pass the bound by one. The names in which the least happened go to the rest of their
 * cgroup.
 */
export function bounded(groups: Iterable<Group>): Group[] {
  const byKey = new Map<string, Group>();
  for (const group of groups) {
    const { key } = group;
    const known = byKey.get(key);
    if (known) known.add(group);
    else byKey.set(key, group);
  }
  const byCgroup = new Map<string, Group[]>();
  for (const group of byKey.values()) {
    if (group.isOther) continue;
    const cgroup = `${group.kind}/${group.cgroupId}`;
    const names = byCgroup.get(cgroup);
    if (names) names.push(group);
    else byCgroup.set(cgroup, [group]);
  }
  for (const names of byCgroup.values()) {
    if (names.length <= MAX_COMMS) continue;
    names.sort((a, b) => b.events - a.events);
    for (const group of names.slice(MAX_COMMS)) {
      byKey.delete(group.key);
      const rest = new Group(group.cgroupId, "", group.kind | TOTALS_OTHER);
      const known = byKey.get(rest.key) ?? rest;
      byKey.set(rest.key, known);
      known.add(group);
    }
  }
  return [...byKey.values()];
}
