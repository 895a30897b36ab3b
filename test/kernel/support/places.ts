/**
 * What stands before a command so that it runs elsewhere. Scripts are constant;
 * what varies comes as arguments.
 */

/** In a mount namespace of its own that `prepare` has changed; "$1", "$2" … are `args` there. */
export function inMounts(prepare: string, ...args: string[]): string[] {
  const script = `count=$0; ${prepare} && shift "$count" && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, String(args.length), ...args];
}

/** As an unprivileged account (uid 65534), with no capability at all, or with the capabilities named (without `cap_`). */
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
