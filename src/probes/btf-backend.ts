import { release } from "node:os";
import { BpfLink } from "../bpf/bpf-link.ts";
import { CLAIM_WORDS, EXEC_EVENT, KNOBS, MAX_PATH_BYTES, NAME_SIZE, PATH_WALK } from "../wire/layout.gen.ts";
import type { BackendKind } from "./backend.ts";
import { skipsPreempted } from "./skipped-runs.ts";

/**
 * In the order in which they are attached. Forks come first, because an exit without its fork is more confusing than a
 * fork without its exit. If two programs are attached to the same tracepoint, the one that was attached first runs
 * first.
 */
const PROGRAMS = ["handle_fork", "handle_rename", "handle_exec", "handle_exit"];
/**
 * With the second program of each tracepoint: see bpf/retry.h. Each second program is attached before the programs for
 * the later events in the life of a process.
 */
const WITH_RETRIES = [
  "handle_fork",
  "retry_fork",
  "handle_rename",
  "handle_exec",
  "retry_exec",
  "handle_exit",
  "retry_exit",
];

/**
 * The backend of BTF tracepoints. It reports every field that the kernel has.
 * @param retry whether a second program retries the runs of the first program that the kernel skips
 */
export function btfBackend(retry = skipsPreempted(release())): BackendKind {
  const programs = retry ? WITH_RETRIES : PROGRAMS;
  return {
    name: "btf",
    object: "process",
    knowsAncestors: true,
    addsAllBy: "handle_free",
    prepare(object, knobs, options) {
      // The last path component may be written beyond the limit, so NAME_SIZE bytes are added.
      const image = MAX_PATH_BYTES + Math.ceil(options.maxArgsBytes / 8) * 8 + NAME_SIZE;
      object.setValueSize("scratch", PATH_WALK.size + EXEC_EVENT.size + image);
      knobs.setUint8(KNOBS.retry, retry ? 1 : 0);
      if (retry) {
        object.setMaxEntries("scratch", 2);
        object.setMaxEntries("thread_walks", 2);
        object.setMaxEntries("ended_scratches", 2);
        object.setMaxEntries("claims", CLAIM_WORDS);
      } else {
        for (const program of WITH_RETRIES) if (!PROGRAMS.includes(program)) object.leaveOut(program);
      }
      return [];
    },
    attach(object, followsCgroup) {
      const links: BpfLink[] = [];
      try {
        if (followsCgroup) links.push(BpfLink.attach(object, "follow_cgroup"));
        for (const program of programs) links.push(BpfLink.attach(object, program));
      } catch (error) {
        for (const link of links) link.close();
        throw error;
      }
      return links;
    },
    close() {},
  };
}
