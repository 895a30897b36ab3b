import { resolveCgroup } from "../cgroup/cgroup.ts";
import type { Settings } from "../config/schema.ts";
import { EXIT, LinnixError } from "../errors.ts";
import { accountNamed, groupNamed } from "../sys/privileges.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";

/**
 * Checks settings that can be wrong on this machine, without a start: the account, the group of the socket, and the
 * token that the listen address needs.
 * @throws LinnixError (exit code 2) that the start would throw
 */
export async function checkSettings({ run, api }: Settings): Promise<void> {
  if (run.user !== null) accountNamed(run.user);
  if (api.socketGroup !== null) groupNamed(api.socketGroup);
  if (api.listen === null) return;
  const { parseListenAddress } = await import("../api/listen-address.ts");
  const { tokenCheck } = await import("../api/token.ts");
  tokenCheck(parseListenAddress(api.listen), { listen: api.listen, tokenFile: api.tokenFile });
}

/**
 * Looks for the cgroup that a filter names.
 * @throws LinnixError (exit code 2) that the start would throw if there is no such cgroup
 */
export function checkCgroup(cgroup: CgroupRef): void {
  try {
    resolveCgroup(cgroup);
  } catch (error) {
    // Exit code 3: the level of the cgroup is unknown. The account that starts linnix may be allowed to read it,
    // although this account is not.
    if (!(error instanceof LinnixError) || error.exitCode !== EXIT.cannotRun) throw error;
  }
}
