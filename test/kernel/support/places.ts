/**
 * Command prefixes that run a command in another environment. Scripts are constant;
 * variable parts are arguments.
 */

/** In its own mount namespace that `prepare` has changed; "$1", "$2" … are `args` in the script. */
export function inMounts(prepare: string, ...args: string[]): string[] {
  const script = `count=$0; ${prepare} && shift "$count" && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, String(args.length), ...args];
}

/** As an unprivileged account (uid 65534) without capabilities, or with the named ones (without `cap_`). */
export function asNobody(...capabilities: string[]): string[] {
  const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  if (capabilities.length === 0) return user;
  const kept = capabilities.map((name) => `+${name}`).join(",");
  return [...user, `--inh-caps=${kept}`, `--ambient-caps=${kept}`];
}

/** As root without these capabilities. */
export function asRootWithout(...capabilities: string[]): string[] {
  return ["setpriv", `--bounding-set=${capabilities.map((name) => `-${name}`).join(",")}`];
}
