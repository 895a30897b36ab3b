import { Child } from "../sys/child.ts";
import { needTool, toolEnv } from "../sys/tool.ts";
import { AUDITED_SYSCALLS, type AuditFlags } from "./audit-control.ts";

/**
 * The guard restores audit when it reads "restore", and ends when it reads "done". If its standard input ends without
 * "done", linnix has died. Then the guard restores audit and ends the daemon. It recognises the daemon by its pid and
 * its environment.
 *
 * The guard removes the rules first. Otherwise each process that makes a record waits as soon as the daemon stops
 * reading. The guard sends SIGTERM, and repeats it only after a while: auditd ignores the signal while it starts, and a
 * second signal while it ends kills it. If the daemon is killed, its pid stays in its pid file and in the kernel. The
 * kernel forgets the pid once it cannot deliver a record to the daemon. Setting the enabled flag while audit is on
 * makes such a record. So the guard sets the flag to 1 and then back, and removes the pid file.
 *
 * The script is a constant. Its arguments are: $1 auditctl, $2 key without the daemon, $3 enabled, $4 backlog limit,
 * $5 backlog wait time or nothing, $6 pid file, $7 the daemon's home, $8 the system calls of the rules, separated by
 * blanks.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM PIPE
auditctl=$1 key=$2 enabled=$3 backlog=$4 wait=$5 pidfile=$6 home=$7 rules=$8
daemon=0

restore() {
  for syscalls in $rules; do
    "$auditctl" -d always,exit -F arch=b64 -S "$syscalls" -k "$key-d$daemon"
  done >&2
  "$auditctl" -e "$enabled" >&2
  "$auditctl" -b "$backlog" >&2
  [ ! "$wait" ] || "$auditctl" --backlog_wait_time "$wait" >&2
}

while read -r word value; do
  case $word in
    daemon) daemon=$value ;;
    restore) restore; echo restored ;;
    done) exit 0 ;;
  esac
done
restore
[ $daemon != 0 ] || exit 0

lives() { grep -qF "HOME=$home" "/proc/$daemon/environ"; }
tries=0
while lives; do
  case $tries in
    0 | 10 | 30) kill -TERM $daemon ;;
    60) kill -KILL $daemon ;;
    80) break ;;
  esac
  sleep 0.1
  tries=$((tries + 1))
done
if "$auditctl" -s | grep -q "^pid $daemon$"; then
  "$auditctl" -e 1 >&2
  "$auditctl" -e "$enabled" >&2
fi
read -r pid <"$pidfile" && [ "$pid" = $daemon ] && rm -f "$pidfile"
`;

/** The file in which auditd stores its pid. The path is compiled in. */
export const PID_FILE = "/run/auditd.pid";

/**
 * A process that outlives linnix. Its only task is to restore audit. Every run restores audit through the guard, so the
 * code for a crash is in constant use. Ctrl-C does not reach the guard, because it has a session of its own. It ignores
 * the usual termination signals. Our rules stay only if SIGKILL ends both processes. The next start removes them.
 */
export class AuditGuard {
  readonly #child: Child;
  #restored: Promise<void> | null = null;

  /**
   * Starts the guard. The caller does this before it changes anything.
   *
   * @param keyPrefix see `auditKeyPrefix`
   * @param home the value of HOME that only our own daemon has
   */
  constructor(auditctl: string, keyPrefix: string, before: AuditFlags, home: string) {
    const shell = needTool("sh", "install a POSIX shell");
    const flags = [before.enabled, before.backlogLimit, before.backlogWaitTime ?? ""].map(String);
    const args = [auditctl, keyPrefix, ...flags, PID_FILE, home, AUDITED_SYSCALLS.join(" ")];
    this.#child = new Child({
      argv: [shell, "-c", SCRIPT, "linnix-audit-guard", ...args],
      env: toolEnv("/nonexistent"),
      stdin: "pipe",
      stdout: "pipe",
      stderr: "ignore",
    });
  }

  /** Sends the pid of our daemon to the guard. Called as soon as the daemon exists. */
  watchDaemon(pid: number): void {
    void this.#child.send(`daemon ${pid}`);
  }

  /** Makes the guard restore audit, and waits until it has done so or has been killed. Idempotent. */
  restore(): Promise<void> {
    this.#restored ??= this.#restore();
    return this.#restored;
  }

  async #restore(): Promise<void> {
    await this.#child.send("restore");
    // The guard writes one line when it is done. If it was killed, its output ends.
    await this.#child.lines().next();
  }

  /** Ends the guard, because there is nothing left to undo. */
  async release(): Promise<void> {
    await this.#child.send("done");
    await this.#child.waitForEnd();
  }
}
