import type { GroupRow } from "../groups/group-row.ts";
import { jsonText } from "../json/byte-writer.ts";
import type * as answers from "./answers.ts";
import type { ShownGroups } from "./group-metrics.ts";
import { readQuery } from "./params.ts";
import { Problem } from "./problem.ts";
import type { Route } from "./route.ts";

const seconds = (ns: number) => Math.round(ns / 1e3) / 1e6;

export const GROUPS_ROUTE: Route = {
  path: "/groups",
  operationId: "listGroups",
  summary: "Figures by systemd unit and container",
  description:
    "Counts and CPU time begin when the group gets its slot: at the start of linnix, or when its first process is seen. " +
    "The group of kind `other` contains the figures of all groups without a slot.",
  params: {},
  gives: { "application/json": "groups" },
  problems: { 404: "Groups are off: metrics.groups is false." },
  handle: ({ context, search }) => {
    readQuery(search, {});
    context.source.refresh();
    const groups = context.source.groups();
    if (!groups) throw new Problem(404, "Groups are off: set metrics.groups = true in the configuration.");
    return { body: `${jsonText(groupsAnswer(groups))}\n`, type: "application/json" };
  },
};

/** The answer to GET /groups. */
export function groupsAnswer(shown: ShownGroups): answers.Groups {
  const { slots, books } = shown;
  return {
    max_groups: slots.max,
    groups: [...slots.rows()].map((row) => groupOf(row, shown)),
    ended: { groups: slots.ended.groups, cpu_s: seconds(slots.ended.cpuNs) },
    machine: books && {
      busy_cpu_s: seconds(books.busyNs),
      irq_cpu_s: books.remainders.irq === undefined ? null : seconds(books.remainders.irq),
      unexplained_cpu_s: seconds(books.unexplainedNs),
    },
  };
}

function groupOf(row: GroupRow, { byComm, knowsExits, slots }: ShownGroups): answers.Group {
  const { label, exits, lifetimes } = row;
  const known = <T>(value: T): T | null => (knowsExits ? value : null);
  const ended = exits.ok + exits.error + exits.signal + exits.unknown;
  return {
    kind: row === slots.kernel ? "kernel" : row === slots.other ? "other" : "group",
    unit: row === slots.kernel || row === slots.other ? null : label.unit || null,
    container: label.container || null,
    ...(byComm && { comm: label.comm }),
    starts: row.starts,
    execs: row.execs,
    exits: {
      ok: known(exits.ok),
      error: known(exits.error),
      signal: known(exits.signal),
      unknown: exits.unknown,
    },
    cpu_user_s: seconds(row.userNs.shown),
    cpu_system_s: seconds(row.systemNs.shown),
    processes: row.processes,
    rss_bytes: row.rssBytes,
    read_bytes: known(row.readBytes),
    written_bytes: known(row.writtenBytes),
    mean_lifetime_s: knowsExits && ended > 0 ? Math.round((lifetimes.sumS / ended) * 1e6) / 1e6 : null,
  };
}
