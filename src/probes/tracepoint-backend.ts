import { BpfLink } from "../bpf/bpf-link.ts";
import { cannotRunError } from "../errors.ts";
import { Tracefs } from "../sys/tracefs.ts";
import { KNOBS } from "../wire/layout.gen.ts";
import type { BackendKind } from "./backend.ts";
import { isLockedForConfidentiality } from "./lockdown.ts";
import { enterThreadGroups } from "./thread-groups.ts";
import { parseTracepointFormat, type TracepointField } from "./tracepoint-format.ts";

const PROGRAMS = {
  handle_fork: "task/task_newtask",
  handle_rename: "task/task_rename",
  handle_exec: "sched/sched_process_exec",
  handle_exit: "sched/sched_process_exit",
} as const;
/** Not loaded without `--cgroup`. */
const FOLLOW_CGROUP = { follow_cgroup: "cgroup/cgroup_mkdir" } as const;

/**
 * Maximum number of processes with several threads whose names the kernel side knows at their exit. It applies if the
 * kernel reports which thread is the last. For further processes, linnix reports the name from its process table. Each
 * place takes 16 bytes, whether it is used or not.
 */
const MAX_NAMED_GROUPS = 16_384;

function field(fields: Map<string, TracepointField>, tracepoint: string, name: string): number {
  const found = fields.get(name);
  if (found) return found.offset;
  throw cannotRunError("tracepoint-format", {
    what: `the tracepoint backend cannot read ${tracepoint}`,
    why: `its format has no field called ${name} on this kernel`,
    hint: "use --backend btf where the kernel has BTF",
  });
}

/** The backend of classic tracepoints. It needs neither BTF nor CO-RE: it reads the offsets of fields from tracefs. */
export function tracepointBackend(): BackendKind {
  // Under this lockdown tracefs is empty, and Linux 7.3 oopses at the last unmount of an empty tracefs.
  if (isLockedForConfidentiality()) {
    throw cannotRunError("lockdown", {
      what: "the tracepoint backend cannot run",
      why: "this kernel is locked down for confidentiality",
      hint: "boot it with lockdown=integrity, or without lockdown",
    });
  }
  const tracefs = Tracefs.open();
  const format = (tracepoint: string) => {
    try {
      return parseTracepointFormat(tracefs.read(`events/${tracepoint}/format`));
    } catch (cause) {
      throw cannotRunError(
        "tracepoint",
        {
          what: `tracepoint ${tracepoint} cannot be used`,
          why: (cause as Error).message,
          hint: "a kernel that is locked down for confidentiality, or built without tracing, does not offer it",
        },
        { cause },
      );
    }
  };
  return {
    name: "tracepoint",
    object: "tracepoint",
    knowsAncestors: false,
    prepare(object, knobs, { maxProcesses }, followsCgroup) {
      const little = true;
      const newtask = format(PROGRAMS.handle_fork);
      const exec = format(PROGRAMS.handle_exec);
      const exit = format(PROGRAMS.handle_exit);
      const set = (knob: number, fields: Map<string, TracepointField>, tracepoint: string, name: string) =>
        knobs.setUint32(knob, field(fields, tracepoint, name), little);
      set(KNOBS.newtask_pid_offset, newtask, PROGRAMS.handle_fork, "pid");
      set(KNOBS.newtask_comm_offset, newtask, PROGRAMS.handle_fork, "comm");
      set(KNOBS.newtask_clone_flags_offset, newtask, PROGRAMS.handle_fork, "clone_flags");
      set(KNOBS.exec_filename_offset, exec, PROGRAMS.handle_exec, "filename");
      set(KNOBS.exec_old_pid_offset, exec, PROGRAMS.handle_exec, "old_pid");
      const rename = format(PROGRAMS.handle_rename);
      set(KNOBS.rename_pid_offset, rename, PROGRAMS.handle_rename, "pid");
      set(KNOBS.rename_newcomm_offset, rename, PROGRAMS.handle_rename, "newcomm");
      set(KNOBS.rename_oldcomm_offset, rename, PROGRAMS.handle_rename, "oldcomm");
      if (followsCgroup) {
        const mkdir = format(FOLLOW_CGROUP.follow_cgroup);
        set(KNOBS.mkdir_root_offset, mkdir, FOLLOW_CGROUP.follow_cgroup, "root");
        set(KNOBS.mkdir_id_offset, mkdir, FOLLOW_CGROUP.follow_cgroup, "id");
        set(KNOBS.mkdir_path_offset, mkdir, FOLLOW_CGROUP.follow_cgroup, "path");
      }
      const groupDead = exit.get("group_dead");
      knobs.setUint8(KNOBS.group_dead_known, groupDead ? 1 : 0);
      knobs.setUint32(KNOBS.exit_group_dead_offset, groupDead?.offset ?? 0, little);
      const processMaps: string[] = [];
      if (groupDead)
        object.setMaxEntries("thread_groups", Math.min(MAX_NAMED_GROUPS, maxProcesses ?? MAX_NAMED_GROUPS));
      else processMaps.push("thread_groups");
      if (knobs.getBigUint64(KNOBS.min_duration_ns, little) === 0n) object.setMaxEntries("forked_at", 1);
      else processMaps.push("forked_at");
      return processMaps;
    },
    attach(object, followsCgroup, noRoom) {
      const links: BpfLink[] = [];
      try {
        for (const [program, tracepoint] of Object.entries(
          followsCgroup ? { ...FOLLOW_CGROUP, ...PROGRAMS } : PROGRAMS,
        )) {
          const id = Number(tracefs.read(`events/${tracepoint}/id`));
          links.push(BpfLink.attachTracepoint(object, program, id));
        }
        enterThreadGroups(object.mapFd("thread_groups"), noRoom);
      } catch (error) {
        for (const link of links) link.close();
        throw error;
      }
      return links;
    },
    close() {
      tracefs.close();
    },
  };
}
