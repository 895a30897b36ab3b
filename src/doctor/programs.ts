import type { Program } from "../observers/observer.ts";
import { OBSERVERS } from "../observers/registry.ts";
import { PROFILES } from "../workload/profiles.ts";
import type { Check } from "./check.ts";
import type { HostReader } from "./host-reader.ts";
import type { MachineFacts } from "./machine.ts";

export interface FoundProgram {
  path: string;
  /** null if the program does not print it. */
  version: string | null;
}

export type ProgramFacts = ReadonlyMap<string, FoundProgram | null>;

/** The methods whose programs are checked here. audit.ts checks the programs of audit, together with its state. */
const METHODS = OBSERVERS.filter(({ inKernel }) => inKernel !== "audit");
const PROGRAMS: readonly Program[] = [
  ...new Map(METHODS.flatMap(({ programs }) => programs).map((program) => [program.name, program])).values(),
];

/** The programs of overhead-test's workload except ps, with their Debian packages. */
const WORKLOAD_PROGRAMS: readonly [name: string, debianPackage: string][] = [
  ["ls", "coreutils"],
  ["sha256sum", "coreutils"],
  ["find", "findutils"],
];

export async function readPrograms(host: HostReader): Promise<ProgramFacts> {
  const found = PROGRAMS.map(async ({ name, alias = name, version }): Promise<[string, FoundProgram | null]> => {
    const path = host.which(name) ?? host.which(alias);
    return [
      name,
      path === null ? null : { path, version: version ? await readVersion(host, [path, ...version]) : null },
    ];
  });
  const workload = WORKLOAD_PROGRAMS.map(([name]): [string, FoundProgram | null] => {
    const path = host.which(name);
    return [name, path === null ? null : { path, version: null }];
  });
  return new Map([...(await Promise.all(found)), ...workload]);
}

/** The version that the program prints, such as `4.0.2`, or `BusyBox 1.36.1` for an applet; null if it prints none. */
export async function readVersion(host: HostReader, argv: [string, ...string[]]): Promise<string | null> {
  const output = (await host.run(argv))?.output ?? "";
  const busyBox = /BusyBox v(\d+(?:\.\d+)+)/.exec(output)?.[1];
  if (busyBox) return `BusyBox ${busyBox}`;
  return /(?:^|[^\d.])(\d+(?:\.\d+)+)/.exec(output)?.[1] ?? null;
}

/** How a package is installed here. */
export function installHint(machine: MachineFacts, debianPackage: string): string {
  return machine.usesApt ? `apt-get install ${debianPackage}` : `install it (Debian's package: ${debianPackage})`;
}

export function checkPrograms(programs: ProgramFacts, machine: MachineFacts): Check[] {
  return [...PROGRAMS.map((program) => checkProgram(program, programs, machine)), checkWorkload(programs, machine)];
}

function checkProgram(program: Program, programs: ProgramFacts, machine: MachineFacts): Check {
  const { name, debian, isPeer } = program;
  const check = { id: name, title: name };
  const found = programs.get(name);
  const isBusyBox = found?.version?.startsWith("BusyBox");
  if (found && !isBusyBox) return { ...check, status: "ok", found: describeProgram(found) };
  const rows = METHODS.filter((method) => method.programs.includes(program)).map((method) => method.name);
  const workload = PROFILES.seed.mix.some((part) => part.program === name);
  const costs =
    `compare-with-polling has no ${rows.join(" and ")} ${rows.length === 1 ? "row" : "rows"}` +
    (workload ? `, and the workload of overhead-test has no ${name}` : "");
  return {
    ...check,
    status: isPeer && !isBusyBox ? "info" : "warn",
    found: found ? describeProgram(found) : "not installed",
    costs: isBusyBox ? `BusyBox ${name} lacks the options that linnix needs: ${costs}` : costs,
    hint: installHint(machine, debian),
  };
}

function checkWorkload(programs: ProgramFacts, machine: MachineFacts): Check {
  const check = { id: "workload-programs", title: "workload" };
  const missing = WORKLOAD_PROGRAMS.filter(([name]) => !programs.get(name));
  if (missing.length === 0) {
    return { ...check, status: "ok", found: `${WORKLOAD_PROGRAMS.map(([name]) => name).join(", ")} installed` };
  }
  return {
    ...check,
    status: "warn",
    found: `${missing.map(([name]) => name).join(", ")} not installed`,
    costs: "the default workload of overhead-test needs them",
    hint: installHint(machine, [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(" ")),
  };
}

export function describeProgram({ path, version }: FoundProgram): string {
  return version === null ? `${path}, version unknown` : `${path} ${version}`;
}
