import type { Check } from "./check.ts";
import type { HostReader } from "./host-reader.ts";
import type { MachineFacts } from "./machine.ts";

/** A program that `compare-with-polling` or `overhead-test` sets beside linnix. */
interface Program {
  name: string;
  /** The package that brings it, by its Debian name. */
  debianPackage: string;
  /** Arguments that make it say its version. */
  versionArguments: string[];
  /** One that is part of the comparison as it is promised, rather than a peer where installed. */
  expected: boolean;
  costs: string;
}

export interface FoundProgram {
  path: string;
  /** null where it does not say. */
  version: string | null;
}

export type ProgramFacts = ReadonlyMap<string, FoundProgram | null>;

const PROGRAMS: readonly Program[] = [
  {
    name: "ps",
    debianPackage: "procps",
    versionArguments: ["--version"],
    expected: true,
    costs: "compare-with-polling has no ps and ps-log rows, the workload of overhead-test no ps",
  },
  {
    name: "top",
    debianPackage: "procps",
    versionArguments: ["-V"],
    expected: true,
    costs: "compare-with-polling has no top row",
  },
  {
    name: "strace",
    debianPackage: "strace",
    versionArguments: ["-V"],
    expected: true,
    costs: "compare-with-polling has no strace row",
  },
  peer("execsnoop", "libbpf-tools", ["--version"]),
  {
    ...peer("exitsnoop", "libbpf-tools", ["--version"]),
    costs: "no overhead-test -- exitsnoop, the peer for exit events",
  },
  peer("forkstat", "forkstat", ["-h"]),
  peer("bpftrace", "bpftrace", ["--version"]),
  peer("pidstat", "sysstat", ["-V"]),
];

/** What the workload of overhead-test is made of, ps apart; by Debian package. */
const WORKLOAD_PROGRAMS: readonly [name: string, debianPackage: string][] = [
  ["ls", "coreutils"],
  ["sha256sum", "coreutils"],
  ["find", "findutils"],
];

function peer(name: string, debianPackage: string, versionArguments: string[]): Program {
  const costs = `compare-with-polling has no ${name} row`;
  return { name, debianPackage, versionArguments, expected: false, costs };
}

export async function readPrograms(host: HostReader): Promise<ProgramFacts> {
  const found = PROGRAMS.map(async ({ name, versionArguments }): Promise<[string, FoundProgram | null]> => {
    // Debian calls bcc's tools by a name of its own.
    const path = host.which(name) ?? host.which(`${name}-bpfcc`);
    return [name, path === null ? null : { path, version: await readVersion(host, [path, ...versionArguments]) }];
  });
  const workload = WORKLOAD_PROGRAMS.map(([name]): [string, FoundProgram | null] => {
    const path = host.which(name);
    return [name, path === null ? null : { path, version: null }];
  });
  return new Map([...(await Promise.all(found)), ...workload]);
}

/** The version that the program prints, with `BusyBox` before it where it is one of its applets. */
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
  const check = { id: program.name, title: program.name };
  const found = programs.get(program.name);
  if (!found) {
    return {
      ...check,
      status: program.expected ? "warn" : "info",
      found: "not installed",
      costs: program.costs,
      hint: installHint(machine, program.debianPackage),
    };
  }
  const text = describeProgram(found);
  if (!found.version?.startsWith("BusyBox")) return { ...check, status: "ok", found: text };
  return {
    ...check,
    status: "warn",
    found: text,
    costs: `it has not the options of the usual ${program.name}: ${program.costs}`,
    hint: installHint(machine, program.debianPackage),
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
    costs: "the default workload of overhead-test is made of them",
    hint: installHint(machine, [...new Set(missing.map(([, debianPackage]) => debianPackage))].join(" ")),
  };
}

export function describeProgram({ path, version }: FoundProgram): string {
  return version === null ? `${path}, version unknown` : `${path} ${version}`;
}
