import { resolveCgroup } from "../cgroup/cgroup.ts";
import { EXIT, LinnixError } from "../errors.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";

/**
 * Looks for the cgroup that a filter names.
 * @throws LinnixError (exit code 2) where there is none, as the start would
 */
export function checkCgroup(cgroup: CgroupRef): void {
  try {
    resolveCgroup(cgroup);
  } catch (error) {
    // How deep it lies may be told to the user that linnix will run as, though not to this one.
    if (!(error instanceof LinnixError) || error.exitCode !== EXIT.cannotRun) throw error;
  }
}
