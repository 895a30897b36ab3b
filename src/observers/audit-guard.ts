import { Child } from "../sys/child.ts";
import { needTool, toolEnv } from "../sys/tool.ts";
import { AUDITED_SYSCALLS, type AuditFlags } from "./audit-control.ts";

/**
 * Restores audit when it reads "restore", and ends when it reads "done". The end of its standard input without either
 * word means that linnix has died. Then the guard also restores audit, and ends the daemon. It recognises the daemon by
 * its pid and its environment.
 *
 * It removes the rules first: a daemon that has stopped reading while there are records makes every process of the
 * machine wait. It sends SIGTERM once, and again only after a while: auditd ignores the signal at its start, and a
 * second one during its end kills it. If the daemon is killed, its pid stays in its pid file and in the kernel. The kernel
 * forgets the pid once it cannot deliver a record to the daemon. Setting the enabled flag while audit is on makes such a
 * record. So the guard sets the flag to 1 and then back, and removes the pid file.
 *
 * Constant text: everything that differs comes as an argument. $1 auditctl, $2 key without the daemon, $3 enabled, $4
 * backlog limit, $5 backlog wait time or nothing, $6 pid file, $7 the daemon's home, $8 the system calls of the rules,
 * separated by blanks.
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
 * A process that outlives linnix. Its only task is to restore audit. It does so in the ordinary course of things too,
 * so that the way out after a crash is the one that is taken every time. Ctrl-C does not reach it (a session of its
 * own), and it ignores what asks it to end; only SIGKILL to both leaves our rules behind, which the next start then
 * removes.
 */
export class AuditGuard {
  readonly #child: Child;
  #restored: Promise<void> | null = null;

  /**
   * Starts it before anything is changed.
   *
   * @param keyPrefix see `auditKeyPrefix`
   * @param home the folder that only our own daemon has as its home
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

  /** Gives it the pid of our daemon, as soon as there is one. */
  watchDaemon(pid: number): void {
    void this.#child.send(`daemon ${pid}`);
  }

  /** Has it put audit back, and waits until it has; or until it has ended, where it was killed itself. Idempotent. */
  restore(): Promise<void> {
    this.#restored ??= this.#restore();
    return this.#restored;
  }

  async #restore(): Promise<void> {
    await this.#child.send("restore");
    // Whatever it says means that it is done; so does the end.
    await this.#child.lines().next();
  }

  /** Ends the guard, because there is nothing left to undo. */
  async release(): Promise<void> {
    await this.#child.send("done");
    await this.#child.waitForEnd();
  }
}
