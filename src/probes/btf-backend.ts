import { BpfLink } from "../libbpf/bpf-link.ts";
import { EXEC_EVENT, NAME_SIZE, PATH_WALK } from "../wire/layout.gen.ts";
import type { BackendKind } from "./backend.ts";

/** In the order of attaching: an exit whose fork was not seen is stranger than the reverse. */
const PROGRAMS = ["handle_fork", "handle_rename", "handle_exec", "handle_exit"];

/** BTF tracepoints: every field. */
export function btfBackend(): BackendKind {
  return {
    name: "btf",
    object: "process",
    prepare(object, _knobs, options) {
      // What the last path component may write past the limit comes behind it.
      const image = 2 * Math.ceil(options.maxArgsBytes / 8) * 8 + NAME_SIZE;
      object.setValueSize("scratch", PATH_WALK.size + EXEC_EVENT.size + image);
    },
    attach(object) {
      const links: BpfLink[] = [];
      try {
        for (const program of PROGRAMS) links.push(BpfLink.attach(object, program));
      } catch (error) {
        for (const link of links) link.close();
        throw error;
      }
      return links;
    },
    close() {},
  };
}
