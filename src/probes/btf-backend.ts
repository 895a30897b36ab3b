import { BpfLink } from "../libbpf/bpf-link.ts";
import { EXEC_EVENT } from "../wire/layout.gen.ts";
import type { BackendKind } from "./backend.ts";

/** NAME_SIZE of bpf/path.h: what the last path component may write past the limit. */
const NAME_SIZE = 256;

/** In the order of attaching: an exit whose fork was not seen is stranger than the reverse. */
const PROGRAMS = ["handle_fork", "handle_rename", "handle_exec", "handle_exit"];

/** BTF tracepoints: every field. */
export function btfBackend(): BackendKind {
  return {
    name: "btf",
    object: "process",
    missingFields: [],
    prepare(object, _knobs, options) {
      object.setValueSize("scratch", EXEC_EVENT.size + 2 * Math.ceil(options.maxArgsBytes / 8) * 8 + NAME_SIZE);
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
