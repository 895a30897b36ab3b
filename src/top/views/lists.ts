import { UNKNOWN } from "../../report/format.ts";
import { cell, padded, right } from "../cell-text.ts";
import { cpuPctOf, groupsOf, knownCpuNs, type ProcessRow, type Refresh } from "../model.ts";
import { sortCommands, sortGroups, sortProcesses } from "../sorting.ts";
import type { ViewState } from "../state.ts";
import { processHeading, processLine } from "./columns.ts";
import { countText, matchesFilter, memoryText, pctText } from "./text.ts";
import { endOf, treeOf } from "./tree.ts";

/** A list. Only the rows on the screen are turned into text. */
export interface List {
  heading(columns: number): string;
  /** Keys of the rows, in the order of the list. */
  keys: readonly string[];
  line(index: number, columns: number): string;
  /** The text of a list without rows. */
  empty: string;
}

type Chosen = Pick<ViewState, "view" | "sort" | "isReversed" | "filter">;

export function listOf(refresh: Refresh, state: Chosen): List {
  switch (state.view) {
    case "processes":
      return processList(refresh, state);
    case "tree":
      return treeList(refresh, state);
    case "groups":
      return groupList(refresh, state);
    case "short":
      return shortList(refresh, state);
  }
}

const NO_ENDS = "the daemon reports no ends of processes at its level of detail";
const NO_MATCH = "no row contains this text; Esc ends the filter";

function processList({ processes }: Refresh, { filter, sort, isReversed }: Chosen): List {
  const wanted = filter === "" ? processes : processes.filter((row) => matchesFilter(row, filter));
  const rows = sortProcesses(wanted, sort, isReversed);
  return {
    heading: processHeading,
    keys: rows.map(({ key }) => key),
    line: (index, columns) => processLine(rows[index] as ProcessRow, columns),
    empty: NO_MATCH,
  };
}

function treeList({ processes }: Refresh, { filter }: Chosen): List {
  const nodes = treeOf(processes, (row) => matchesFilter(row, filter));
  return {
    heading: processHeading,
    keys: nodes.map(({ row }) => row.key),
    line: (index, columns) => {
      const { row, prefix } = nodes[index] as (typeof nodes)[number];
      return processLine(row, columns, endOf(prefix, Math.floor(columns / 4)));
    },
    empty: NO_MATCH,
  };
}

function isIn(text: string, filter: string): boolean {
  return text.toLowerCase().includes(filter.toLowerCase());
}

function groupList(refresh: Refresh, { filter, sort, isReversed }: Chosen): List {
  const wanted = groupsOf(refresh).filter(({ name }) => isIn(name, filter));
  const groups = sortGroups(wanted, sort, isReversed);
  const line = (columns: number, ...cells: [string, string, string, string, string]) => {
    const [cpu, memory, processes, short, name] = cells;
    const head = `${right(cpu, 7)} ${right(memory, 7)} ${right(processes, 6)} ${right(short, 6)}  `;
    return head.length < columns ? head + cell(name, columns - head.length) : cell(head, columns);
  };
  return {
    heading: (columns) => line(columns, "%CPU", "MEM", "PROCS", "SHORT", "UNIT, CONTAINER OR CGROUP"),
    keys: groups.map(({ name }) => name),
    line: (index, columns) => {
      const { name, cpuPct, rssBytes, processes, shortLived } = groups[index] as (typeof groups)[number];
      return line(columns, pctText(cpuPct), memoryText(rssBytes), String(processes), countText(shortLived), name);
    },
    empty: NO_MATCH,
  };
}

function shortList({ short, elapsedMs, busyNs }: Refresh, { filter, sort, isReversed }: Chosen): List {
  const wanted = short?.commands.filter(({ comm }) => isIn(comm, filter)) ?? [];
  const commands = sortCommands(wanted, sort, isReversed);
  const line = (columns: number, ...cells: [string, string, string, string, string]) => {
    const [comm, count, cpu, share, memory] = cells;
    const head = `${padded(comm, 16)} ${right(count, 7)} ${right(cpu, 7)} ${right(share, 7)} ${right(memory, 8)}`;
    return cell(head, columns);
  };
  const share = (cpuNs: number) => (busyNs ? pctText(Math.min(cpuNs / busyNs, 1) * 100) : UNKNOWN);
  return {
    heading: (columns) => line(columns, "COMMAND", "ENDED", "%CPU", "%BUSY", "PEAK MEM"),
    keys: commands.map(({ comm }) => comm),
    line: (index, columns) => {
      const command = commands[index] as (typeof commands)[number];
      const { comm, count, peakRssBytes } = command;
      const cpuNs = knownCpuNs(command);
      const cpu = cpuNs === null ? UNKNOWN : pctText(cpuPctOf(cpuNs, elapsedMs));
      return line(
        columns,
        comm,
        countText(count),
        cpu,
        cpuNs === null ? UNKNOWN : share(cpuNs),
        memoryText(peakRssBytes),
      );
    },
    empty: short === null ? NO_ENDS : filter === "" ? "no process started and ended since the last refresh" : NO_MATCH,
  };
}
