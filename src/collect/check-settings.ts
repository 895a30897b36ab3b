import type { Settings } from "../config/schema.ts";
import { accountNamed } from "../sys/privileges.ts";

/**
 * What settings name beyond themselves, as far as it can be looked at without starting anything: the account, and the
 * token that the address needs.
 * @throws LinnixError (exit code 2) as the start would
 */
export async function checkSettings({ run, api }: Settings): Promise<void> {
  if (run.user !== null) accountNamed(run.user);
  if (api.listen === null) return;
  const { parseListenAddress } = await import("../api/listen-address.ts");
  const { tokenCheck } = await import("../api/token.ts");
  tokenCheck(parseListenAddress(api.listen), { listen: api.listen, tokenFile: api.tokenFile });
}
