import { delimiter } from "node:path";

/** bpftool and ldconfig live where an ordinary user's PATH may not lead. */
const PATH = [process.env["PATH"], "/usr/sbin", "/usr/bin", "/sbin", "/bin"].filter(Boolean).join(delimiter);

/**
 * Runs a program to its end and gives its standard output.
 *
 * @throws Error with the program's own complaint, where it cannot be run or fails
 */
export function output(program: string, args: readonly string[], options: { cwd?: string } = {}): string {
  const done = (() => {
    try {
      return Bun.spawnSync([program, ...args], { ...options, env: { ...process.env, PATH, LC_ALL: "C" }, stdin: null });
    } catch (error) {
      throw new Error(`cannot run ${program}: ${(error as Error).message}`, { cause: error });
    }
  })();
  if (done.success) return done.stdout.toString();
  const end = done.signalCode ? `was killed by ${done.signalCode}` : `ended with ${done.exitCode}`;
  throw new Error(`${[program, ...args].join(" ")} ${end}\n${done.stderr}`.trimEnd());
}
