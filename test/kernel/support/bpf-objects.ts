import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { programPath } from "./needs.ts";

/** Kernel objects by id; the kernel reuses no id before 2^31 objects. */
export interface BpfIds {
  programs: number[];
  maps: number[];
  links: number[];
}

const KEYS = { prog_id: "programs", map_id: "maps", link_id: "links" } as const;

/** BPF objects that a process holds open: proc_pid_fdinfo(5). */
export function bpfIdsOf(pid: number | "self"): BpfIds {
  const ids = { programs: new Set<number>(), maps: new Set<number>(), links: new Set<number>() };
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8");
    } catch {
      continue; // the descriptor of this very listing
    }
    for (const [, key, id] of text.matchAll(/^(prog_id|map_id|link_id):\s*(\d+)$/gm)) {
      ids[KEYS[key as keyof typeof KEYS]].add(Number(id));
    }
  }
  const sorted = (set: Set<number>) => [...set].sort((a, b) => a - b);
  return { programs: sorted(ids.programs), maps: sorted(ids.maps), links: sorted(ids.links) };
}

/** Open descriptors of a process, as the target of each link. */
export function descriptorsOf(pid: number | "self"): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
    } catch {
      return [];
    }
  });
}

export const bpftool = programPath("bpftool");

function listed(kind: "prog" | "map" | "link"): Set<number> {
  if (bpftool === null) throw new Error("bpftool is not installed");
  const list = () => Bun.spawnSync([bpftool as string, "-j", kind, "list"]);
  let { stdout, exitCode, stderr } = list();
  // bpftool fails if an object is freed while it lists the objects.
  for (let again = 0; exitCode !== 0 && again < 5; again++) ({ stdout, exitCode, stderr } = list());
  if (exitCode !== 0) throw new Error(`bpftool ${kind} list: ${stderr}`);
  const text = stdout.toString().trim();
  return new Set((text === "" ? [] : (JSON.parse(text) as { id: number }[])).map(({ id }) => id));
}

/** The subset of the objects that the kernel still has. */
export function stillThere(ids: BpfIds): BpfIds {
  const left = (kind: "prog" | "map" | "link", wanted: readonly number[]) => {
    const all = listed(kind);
    return wanted.filter((id) => all.has(id));
  };
  return { programs: left("prog", ids.programs), maps: left("map", ids.maps), links: left("link", ids.links) };
}

export function countOf({ programs, maps, links }: BpfIds): number {
  return programs.length + maps.length + links.length;
}
