/** Giving up root for another account, for good. */
import { existsSync, readFileSync } from "node:fs";
import { cannotRunError, usageError } from "../errors.ts";
import { checkLibc, NativeError } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

interface Account {
  uid: number;
  gid: number;
  /** The groups that list it as a member, its own group included. */
  groups: number[];
}

/** Looks an account up in passwd(5) and group(5); a number is taken as a uid of an account there. */
export function findAccount(name: string, passwd: string, group: string): Account | undefined {
  for (const line of passwd.split("\n")) {
    const [user, , uid, gid] = line.split(":");
    if (user === undefined || uid === undefined || gid === undefined) continue;
    if (user !== name && uid !== name) continue;
    const groups = new Set([Number(gid)]);
    for (const entry of group.split("\n")) {
      const [, , id, members] = entry.split(":");
      if (id !== undefined && members?.split(",").includes(user)) groups.add(Number(id));
    }
    return { uid: Number(uid), gid: Number(gid), groups: [...groups] };
  }
  return undefined;
}

/** @throws LinnixError (exit code 2) when there is no such account */
export function accountNamed(name: string): Account {
  const text = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const account = findAccount(name, text("/etc/passwd"), text("/etc/group"));
  if (account) return account;
  throw usageError("user", {
    what: `--user ${name} is not known`,
    why: "there is no such account in /etc/passwd",
    mend: "name an account of this machine, such as nobody",
    setting: "run.user",
  });
}

/**
 * Makes this process the account's, all its threads included (glibc sees to
 * that). What is open stays open: rings, links, files.
 * @throws LinnixError (exit code 3) when it is not permitted
 */
export function dropTo(account: Account): void {
  try {
    const groups = Uint32Array.from(account.groups);
    checkLibc("setgroups", libc().setgroups(groups.length, addressOf(groups)));
    checkLibc("setresgid", libc().setresgid(account.gid, account.gid, account.gid));
    checkLibc("setresuid", libc().setresuid(account.uid, account.uid, account.uid));
  } catch (cause) {
    if (!(cause instanceof NativeError)) throw cause;
    throw cannotRunError(
      "user",
      {
        what: "the privileges could not be dropped",
        why: cause.message,
        mend: "run as root, or leave --user out",
        setting: "run.user",
      },
      { cause },
    );
  }
}
