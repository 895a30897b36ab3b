import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");

/** The program under test. */
export const BINARY = join(ROOT, "dist/linnix");

/** Directories of the system's programs: root must not run programs by the user's PATH. */
const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** Absolute path of an installed program, or null. */
export function programPath(name: string): string | null {
  for (const folder of FOLDERS) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {}
  }
  return null;
}

/** Whether a command ends with exit code 0. */
export function succeeds(...command: [string, ...string[]]): boolean {
  try {
    return Bun.spawnSync(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exitCode === 0;
  } catch {
    return false;
  }
}

/** Why no process can be watched here; null if that is possible. */
export function whyNotHere(): string | null {
  if (process.platform !== "linux") return "needs Linux";
  if (process.geteuid?.() !== 0) return "needs root";
  if (!existsSync(BINARY)) return "needs dist/linnix: npm run build";
  if (programPath("gcc") === null) return "needs gcc";
  return null;
}

/** Why the BTF backend cannot be tested here; null if it can. */
export function whyNoBtf(): string | null {
  return whyNotHere() ?? (existsSync("/sys/kernel/btf/vmlinux") ? null : "needs a kernel with BTF");
}

/** Why page-fault events are not available on this machine; null if they are. */
export function whyNoPageFaults(): string | null {
  const why = whyNoBtf();
  if (why !== null) return why;
  const hasIt = readFileSync("/sys/kernel/btf/vmlinux").includes("btf_trace_page_fault_user");
  return hasIt ? null : "needs the tracepoint page_fault_user";
}

/** Why this program cannot open a pseudo-terminal here; null if it can. Some containers do not mount /dev/pts. */
export function whyNoTerminal(program: "script" | "tmux"): string | null {
  if (programPath(program) === null) return `needs ${program}`;
  try {
    closeSync(openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY));
    return null;
  } catch {
    return "needs /dev/pts";
  }
}

/** The first reason, for a `describe.skipIf` and its title. */
export function reasonOf(...reasons: (string | null | false)[]): string | null {
  for (const reason of reasons) if (reason) return reason;
  return null;
}

/** A title with the reason why its tests are skipped, if there is one. */
export function titled(title: string, reason: string | null): string {
  return reason === null ? title : `${title} (skipped: ${reason})`;
}
