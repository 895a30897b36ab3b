import { MAX_COMMS, TOTALS_OTHER } from "../wire/layout.gen.ts";
import { Group } from "./group.ts";

/**
 * Merges groups with the same key, and keeps at most `MAX_COMMS` names per cgroup. Both are necessary because BPF
 * programs that add a group at the same time may create it twice, or exceed the limit by one. The names with the fewest
 * events are added to the rest of their cgroup.
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
