import { accessSync, constants, statSync } from "node:fs";
import { cannotRunError } from "../errors.ts";

/** The folders in which linnix looks for programs. It never uses the caller's PATH, because root runs the programs. */
export const TOOL_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The whole environment of a program. It contains nothing from the caller, so that neither a locale nor a personal
 * start-up file changes the output.
 *
 * @param home a folder without settings: the temporary folder of the run
 */
export function toolEnv(home: string): Record<string, string> {
  return { PATH: TOOL_PATH, LC_ALL: "C", HOME: home, TERM: "dumb" };
}

/** Absolute path of the first of these programs that is installed, or null. */
export function findTool(...names: string[]): string | null {
  for (const name of names) {
    for (const folder of TOOL_PATH.split(":")) {
      const path = `${folder}/${name}`;
      try {
        accessSync(path, constants.X_OK);
        if (statSync(path).isFile()) return path;
      } catch {
        // It is not in this folder, so try the next one.
      }
    }
  }
  return null;
}

let leashPath: string | null | undefined;

/** Absolute path of a setpriv with the option --pdeathsig, or null. The setpriv of BusyBox does not have it. */
export function findLeash(): string | null {
  if (leashPath === undefined) {
    const path = findTool("setpriv");
    leashPath = path !== null && succeeds(path, "--pdeathsig", "KILL", "--", path, "--version") ? path : null;
  }
  return leashPath;
}

function succeeds(...command: [string, ...string[]]): boolean {
  try {
    const stdio = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    return Bun.spawnSync(command, { ...stdio, env: toolEnv("/nonexistent"), cwd: "/" }).exitCode === 0;
  } catch {
    return false;
  }
}

/** Like `findTool`, for a required program: throws if it is missing. */
export function needTool(names: string | string[], hint: string): string {
  const candidates = typeof names === "string" ? [names] : names;
  const path = findTool(...candidates);
  if (path === null) throw cannotRunError("missing-program", { what: `${candidates[0]} is not installed`, hint });
  return path;
}

export interface ToolResult {
  /** Exit status; null if a signal ended the program or it could not be started. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Maximum duration of a short command, ms. */
const SHORT_COMMAND_MS = 10_000;
/** Maximum output of a short command, bytes. A program that prints more is ended. */
const SHORT_COMMAND_BYTES = 1024 * 1024;

/** Runs a short command to its end, and kills it if it takes too long. Never rejects. */
export async function runTool(argv: string[]): Promise<ToolResult> {
  try {
    const child = Bun.spawn(argv, {
      env: toolEnv("/nonexistent"),
      cwd: "/",
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: SHORT_COMMAND_MS,
      killSignal: "SIGKILL",
      maxBuffer: SHORT_COMMAND_BYTES,
    });
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).bytes(),
      new Response(child.stderr).bytes(),
      child.exited,
    ]);
    return { status: child.exitCode, stdout: latin1(stdout), stderr: latin1(stderr) };
  } catch (error) {
    return { status: null, stdout: "", stderr: error instanceof Error ? error.message : String(error) };
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The first line of a text that is not empty, trimmed; "" if there is none. */
export function firstLine(text: string): string {
  return (
    text
      .split("\n")
      .map((line) => line.trim())
      .find((line) => line !== "") ?? ""
  );
}
