import type { ProcessRow } from "../model.ts";

export interface TreeNode {
  row: ProcessRow;
  /** Branches before the name of the process. */
  prefix: string;
}

/** Processes at a greater depth are not indented further. */
const MAX_DEPTH = 20;

/** The tree of the matching processes and their ancestors. Children are in the order of their pids. */
export function treeOf(rows: readonly ProcessRow[], isWanted: (row: ProcessRow) => boolean): TreeNode[] {
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  const parentOf = ({ ppid, pid }: ProcessRow) => (ppid === null || ppid === pid ? undefined : byPid.get(ppid));
  const kept = new Set<ProcessRow>();
  for (const row of rows) {
    if (!isWanted(row)) continue;
    for (let at: ProcessRow | undefined = row; at && !kept.has(at); at = parentOf(at)) kept.add(at);
  }
  const children = new Map<ProcessRow | undefined, ProcessRow[]>();
  for (const row of [...kept].sort((a, b) => a.pid - b.pid)) {
    const parent = parentOf(row);
    const siblings = children.get(parent);
    if (siblings) siblings.push(row);
    else children.set(parent, [row]);
  }
  const nodes: TreeNode[] = [];
  // Not recursive, because a chain of processes can have any length.
  const stack = (children.get(undefined) ?? []).map((row) => ({ row, prefix: "", below: "", depth: 0 })).reverse();
  for (let at = stack.pop(); at; at = stack.pop()) {
    const { row, prefix, below, depth } = at;
    nodes.push({ row, prefix });
    const ofRow = children.get(row) ?? [];
    for (let i = ofRow.length - 1; i >= 0; i--) {
      const isLast = i === ofRow.length - 1;
      const isDeep = depth >= MAX_DEPTH;
      stack.push({
        row: ofRow[i] as ProcessRow,
        prefix: isDeep ? prefix : `${below}${isLast ? "└─ " : "├─ "}`,
        below: isDeep ? below : `${below}${isLast ? "   " : "│  "}`,
        depth: depth + 1,
      });
    }
  }
  return nodes;
}

/** The branches, or only those next to the name if they need more than `room` columns. */
export function endOf(prefix: string, room: number): string {
  return prefix.length <= room ? prefix : `…${prefix.slice(-(room - 1))}`;
}
