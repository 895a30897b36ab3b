import { pidNamespace } from "../procfs/pid-namespace.ts";
import { findTool, firstLine, needTool, runTool } from "../sys/tool.ts";
import type { Availability, AvailabilityOptions, Needs, Observer, Program, Unavailable } from "./observer.ts";
import { needTracefs } from "./tracefs.ts";

const DEFAULTS = {
  scope: "machine",
  inKernel: "none",
  programs: [],
  needs: {},
  aftermath: null,
  shorterMs: [],
  grows: false,
  onlyByName: false,
} as const;

/** The facts that define an observer. Omitted facts have the values of `DEFAULTS`. */
type Definition = Omit<Observer, keyof typeof DEFAULTS | "available"> &
  Partial<Pick<Observer, keyof typeof DEFAULTS>> & {
    /** Returns the method's version. Omitted if the method's programs print their versions. */
    version?: () => string;
    /** Other reasons why the method cannot run on this machine. */
    objection?: (options: AvailabilityOptions) => Promise<Unavailable | null>;
  };

/**
 * Makes a method from its facts. The method is available if its needs are met, its programs are installed and
 * `objection` returns null.
 */
export function defineObserver({ version, objection, ...facts }: Definition): Observer {
  const observer = { ...DEFAULTS, ...facts };
  const available = async (options: AvailabilityOptions = {}): Promise<Availability> =>
    lackOf(observer.needs) ??
    missingOf(observer.programs) ??
    (await objection?.(options)) ?? { ok: true, version: version?.() ?? (await versionOf(observer.programs)) };
  return { ...observer, available };
}

/** Absolute path of a program, by any of its names; null if it is not installed. */
export function findProgram({ name, alias = name }: Program): string | null {
  return findTool(name, alias);
}

/** `findProgram` for a method that is started. @throws LinnixError if it is not installed */
export function needProgram({ name, alias = name, debian }: Program): string {
  return needTool([name, alias], `install ${debian}`);
}

function missingOf(programs: readonly Program[]): Unavailable | null {
  const missing = programs.find((program) => findProgram(program) === null);
  if (missing === undefined) return null;
  return { ok: false, reason: `${missing.name} is not installed`, hint: `install ${missing.debian}` };
}

/**
 * The version line of each program that has one, joined by " + ". A program that prints nothing is named by its path.
 */
async function versionOf(programs: readonly Program[]): Promise<string> {
  const asked = programs.filter(({ version }) => version !== undefined);
  const versions = asked.map(async (program) => {
    const path = needProgram(program);
    const { stdout, stderr } = await runTool([path, ...(program.version ?? [])]);
    return firstLine(stdout) || firstLine(stderr) || path;
  });
  return (await Promise.all(versions)).join(" + ");
}

function lackOf({ initialPidNamespace, root, bpf, tracefs }: Needs): Unavailable | null {
  return (
    (initialPidNamespace === undefined ? null : needInitialPidNamespace(initialPidNamespace)) ??
    (root === undefined ? null : needRoot(root)) ??
    (bpf ? needRoot("loading BPF programs") : null) ??
    (tracefs ? needTracefs() : null)
  );
}

function needRoot(forWhat: string): Unavailable | null {
  if (process.geteuid?.() === 0) return null;
  return { ok: false, reason: `${forWhat} needs root`, hint: "run it with sudo" };
}

/** Why a method cannot run in a pid namespace other than the initial one; null if this is the initial one. */
export function needInitialPidNamespace(why: string, namespace = pidNamespace()): Unavailable | null {
  if (namespace.isInitial) return null;
  const reason = `${why}, and this is a pid namespace other than the initial one`;
  return { ok: false, reason, hint: "start the container with --pid=host, or run linnix on the host" };
}
