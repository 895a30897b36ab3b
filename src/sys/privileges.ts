/** Gives up root permanently, for another account. */
import { existsSync, readFileSync } from "node:fs";
import { cannotRunError, usageError } from "../errors.ts";
import { checkLibc, NativeError } from "./errno.ts";
import { libc, systemCall } from "./libc.ts";
import { addressOf } from "./native.ts";

interface Account {
  uid: number;
  gid: number;
  /** The account's own group, and the groups that list it as a member. */
  groups: number[];
}

/** Looks an account up in passwd(5) and group(5); a number is the uid of an account there. */
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

/** @throws LinnixError (exit code 2) if there is no such account */
export function accountNamed(name: string): Account {
  const text = (file: string) => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const account = findAccount(name, text("/etc/passwd"), text("/etc/group"));
  if (account) return account;
  throw usageError("user", {
    what: `--user ${name} is not known`,
    why: "there is no such account in /etc/passwd",
    hint: "create a system account for linnix: useradd --system linnix",
    setting: "run.user",
  });
}

/** Id of a group of group(5), by its name or number. @throws LinnixError (exit code 2) if there is no such group */
export function groupNamed(
  name: string,
  groups = existsSync("/etc/group") ? readFileSync("/etc/group", "utf8") : "",
): number {
  for (const line of groups.split("\n")) {
    const [group, , gid] = line.split(":");
    if (gid !== undefined && gid !== "" && (group === name || gid === name)) return Number(gid);
  }
  throw usageError("group", {
    what: `--api-socket-group ${name} is not known`,
    why: "there is no such group in /etc/group",
    hint: "create a group for the socket, for example: groupadd --system linnix",
    setting: "api.socket_group",
  });
}

/* prctl(2), seccomp(2): linux/prctl.h, linux/seccomp.h */
const PR_CAPBSET_DROP = 24;
const PR_SET_NO_NEW_PRIVS = 38;
const CAPABILITIES = 64;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4;
const SECCOMP_RET_ALLOW = 0x7fff0000;
/** Returns the constant in the instruction: linux/filter.h. */
const BPF_RET_K = 6;

/**
 * After this call, no program that this thread executes can gain a capability. Without CAP_SETPCAP the call has no
 * effect.
 */
function dropBoundingSet(): void {
  for (let capability = 0; capability < CAPABILITIES; capability++) libc().prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/**
 * From now on, a set-uid program gives no thread of this process more privileges. prctl(2) alone affects only the
 * calling thread. A seccomp filter that allows everything applies the setting to the other existing threads.
 */
function forbidNewPrivileges(): void {
  checkLibc("prctl", libc().prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  const allowAll = Uint8Array.of(BPF_RET_K, 0, 0, 0, 0, 0, 0, 0);
  new DataView(allowAll.buffer).setUint32(4, SECCOMP_RET_ALLOW, true);
  // struct sock_fprog: the number of instructions, and their address.
  const program = new DataView(new ArrayBuffer(16));
  program.setUint16(0, 1, true);
  program.setBigUint64(8, BigInt(addressOf(allowAll)), true);
  const flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  // On a kernel without seccomp, the setting covers only the current thread, which answers the requests.
  systemCall("seccomp", SECCOMP_SET_MODE_FILTER, flags, addressOf(program.buffer));
}

/**
 * Changes the user and groups of this process to those of the account; glibc does so for all threads. Open rings, links
 * and files stay open. A program that this process executes gains no privileges. @throws LinnixError (exit code 3) if
 * it is not permitted
 */
export function dropTo(account: Account): void {
  try {
    dropBoundingSet();
    const groups = Uint32Array.from(account.groups);
    checkLibc("setgroups", libc().setgroups(groups.length, addressOf(groups)));
    checkLibc("setresgid", libc().setresgid(account.gid, account.gid, account.gid));
    checkLibc("setresuid", libc().setresuid(account.uid, account.uid, account.uid));
    forbidNewPrivileges();
  } catch (cause) {
    if (!(cause instanceof NativeError)) throw cause;
    throw cannotRunError(
      "user",
      {
        what: "the privileges could not be dropped",
        why: cause.message,
        hint: "run as root, or leave --user out",
        setting: "run.user",
      },
      { cause },
    );
  }
}
