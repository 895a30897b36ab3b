import { delimiter } from "node:path";

/** bpftool and ldconfig are in folders that may be missing from an ordinary user's PATH. */
const PATH = [process.env.PATH, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].filter(Boolean).join(delimiter);

/** Absolute path of a program. */
export function programPath(program: string): string {
  const path = Bun.which(program, { PATH });
  if (!path)
    throw new Error(`there is no ${program} on this machine; \`npm run build\` installs or names what is missing`);
  return path;
}

/**
 * Runs a program to its end and returns its standard output.
 *
 * @throws Error with the program's stderr if it cannot be run or fails
 */
export function output(program: string, args: readonly string[], options: { cwd?: string } = {}): string {
  const env = { ...process.env, PATH, LC_ALL: "C" };
  const done = Bun.spawnSync([programPath(program), ...args], { ...options, env, stdin: null });
  if (done.success) return done.stdout.toString();
  const end = done.signalCode ? `was killed by ${done.signalCode}` : `ended with ${done.exitCode}`;
  throw new Error(`${[program, ...args].join(" ")} ${end}\n${done.stderr}`.trimEnd());
}
