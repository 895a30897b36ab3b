import { accessSync, constants } from "node:fs";
import { constants as os } from "node:os";

/** The programs that a workload can be mixed from. */
export const PROGRAMS = ["true", "sleep", "ls", "find", "ps", "sha256sum", "exit", "signal"] as const;
export type Program = (typeof PROGRAMS)[number];

/** A program that was found, and how it is used. */
export interface Command {
  program: Program;
  /** Absolute. */
  path: string;
  /** The lifetime that it is given, ms; null if it lives for as long as its work takes. */
  lifetimeMs: number | null;
  share: number;
}

/** The things that the arguments of a run's processes refer to. */
export interface Site {
  /** The run's private folder of sample files. */
  folder: string;
  spawnerPid: number;
}

/** Sample files in the folder; `variant` picks one. */
export const SAMPLE_FILES = 64;
/** `variant` is drawn from 0 … 255. */
export const VARIANTS = 256;

/** Signals that end a process without a core dump. */
const DEADLY = ["HUP", "INT", "KILL", "PIPE", "ALRM", "TERM", "USR1", "USR2"] as const;

/** The folders of the system's own programs. The user's PATH is not used, because root runs these programs. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

const EXECUTABLE: Record<Program, { file: string; debianPackage: string }> = {
  true: { file: "true", debianPackage: "coreutils" },
  sleep: { file: "sleep", debianPackage: "coreutils" },
  ls: { file: "ls", debianPackage: "coreutils" },
  sha256sum: { file: "sha256sum", debianPackage: "coreutils" },
  find: { file: "find", debianPackage: "findutils" },
  ps: { file: "ps", debianPackage: "procps" },
  exit: { file: "sh", debianPackage: "dash" },
  signal: { file: "sh", debianPackage: "dash" },
};

/** Absolute path of a program's executable, or null if this machine does not have it. */
export function findProgram(program: Program): string | null {
  for (const folder of FOLDERS) {
    const path = `${folder}/${EXECUTABLE[program].file}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return null;
}

/** The Debian package of the program. */
export function packageOf(program: Program): string {
  return EXECUTABLE[program].debianPackage;
}

function sampleFile(site: Site, variant: number): string {
  return `${site.folder}/${sampleFileName(variant % SAMPLE_FILES)}`;
}

/** Name of sample file `n`. */
export function sampleFileName(n: number): string {
  return `sample-${String(n).padStart(3, "0")}`;
}

/**
 * Arguments of one process, argv[0] included. They contain its nonce, which
 * does not change the work or the exit of the program:
 * `sleep` adds up its arguments, `ls` and `find` exclude a file that does not
 * exist, `ps` prints it as a heading, `true` and `sh` ignore it. `sha256sum`
 * accepts only files, so its arguments have no nonce: see `nonceOf`.
 */
export function argvOf(command: Command, site: Site, nonce: string, variant: number): string[] {
  switch (command.program) {
    case "true":
      return ["true", nonce];
    case "sleep":
      return ["sleep", String((command.lifetimeMs ?? 0) / 1000), `0.0000000${nonce}`];
    case "ls":
      return ["ls", "-l", `--ignore=${nonce}`, site.folder];
    case "find":
      return ["find", site.folder, "-type", "f", "-name", `*${variant % 10}`, "!", "-name", nonce];
    case "ps":
      // One process only: the cost of a listing of all would grow with the number of processes.
      return ["ps", "-p", String(site.spawnerPid), "-o", `pid,stat,comm=${nonce}`];
    case "sha256sum":
      return ["sha256sum", sampleFile(site, variant)];
    case "exit":
      return ["sh", "-c", 'exit "$1"', "sh", String(variant), nonce];
    case "signal":
      return ["sh", "-c", 'kill -s "$1" $$', "sh", DEADLY[variant % DEADLY.length] as string, nonce];
  }
}

/**
 * The string in a process's arguments that identifies it together with its pid,
 * among the processes of all runs. It is the nonce, or for sha256sum the path of
 * a file in the run's own folder.
 */
export function nonceOf(command: Command, site: Site, nonce: string, variant: number): string {
  return command.program === "sha256sum" ? sampleFile(site, variant) : nonce;
}

/** The wait status that the process ends with unless it is killed. */
export function expectedStatus(command: Command, variant: number): number {
  if (command.program === "exit") return variant << 8;
  if (command.program === "signal") return os.signals[`SIG${DEADLY[variant % DEADLY.length] as "HUP"}`];
  return 0;
}
