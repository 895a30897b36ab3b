import { listProgramIds } from "../bpf/bpf-programs.ts";
import { cannotRunError, LinnixError } from "../errors.ts";

/**
 * The right to list the BPF programs of the machine implies every other right that the test needs.
 * @throws LinnixError (exit code 3) if this process does not have it
 */
export function assertPrivileged(): void {
  try {
    listProgramIds();
  } catch (cause) {
    if (!(cause instanceof LinnixError)) throw cause;
    throw cannotRunError(
      "privilege",
      {
        what: "overhead-test cannot run here",
        why: [cause.what, cause.why].filter(Boolean).join(": "),
        hint: `${privilegeHint()}; linnix doctor shows what else is missing`,
      },
      { cause },
    );
  }
}

/** How to get the privilege. Root can lack it in a container or after dropping the capability. */
function privilegeHint(): string {
  if (process.geteuid?.() !== 0) return "run it as root: sudo linnix overhead-test";
  return "root lacks capabilities here: run it on the host, or start the container with --privileged --pid=host";
}
