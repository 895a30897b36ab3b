import { resolveCgroup } from "../cgroup/cgroup.ts";
import type { Settings } from "../config/schema.ts";
import { EXIT, LinnixError } from "../errors.ts";
import { accountNamed, groupNamed } from "../sys/privileges.ts";
import type { CgroupRef } from "../wire/cgroup-ref.ts";

/**
 * Checks what settings name, as far as that needs no start: the account, the group of the socket, and the token that the
 * address needs.
 * @throws LinnixError (exit code 2) as the start would
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
 * @throws LinnixError (exit code 2) if there is none, as the start would
 */
export function checkCgroup(cgroup: CgroupRef): void {
  try {
    resolveCgroup(cgroup);
  } catch (error) {
    // The account of --user may be allowed to read its level, although this one is not.
    if (!(error instanceof LinnixError) || error.exitCode !== EXIT.cannotRun) throw error;
  }
}
