/** Compares doctor and collect in an environment: both must agree. */
import { expect } from "bun:test";
import type { Check } from "../../../src/doctor/check.ts";
import { EXIT } from "../../../src/errors.ts";
import { BINARY } from "./needs.ts";

export interface Place {
  /** Command prefix. */
  before: string[];
  env?: Record<string, string>;
  /** Path of the binary in that environment. */
  binary?: string;
  /** Words of the cause in the message of collect and in doctor's trial run; undefined if collect can run. */
  cause?: RegExp;
  /** Words of the hint in both messages. */
  hint?: RegExp;
}

export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the binary in that environment to its end. */
export async function linnix({ before, env, binary = BINARY }: Place, ...args: string[]): Promise<Ended> {
  const child = Bun.spawn([...before, binary, ...args], {
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env },
    cwd: "/",
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await child.exited;
  return { exitCode: child.exitCode, stdout, stderr };
}

export interface DoctorReport extends Ended {
  can: Record<string, boolean>;
  check(id: string): Check;
}

export async function doctor(place: Place): Promise<DoctorReport> {
  const ended = await linnix(place, "doctor", "--json");
  if (!ended.stdout.startsWith("{")) throw new Error(`no report of doctor, but ${JSON.stringify(ended)}`);
  const { checks, can } = JSON.parse(ended.stdout) as { checks: Check[]; can: Record<string, boolean> };
  const check = (id: string) => {
    const found = checks.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no check ${id}`);
    return found;
  };
  return { ...ended, can, check };
}

/** Runs both in an environment. Expects that both succeed, or fail with the same cause and hint. */
export async function expectAgreement(place: Place): Promise<DoctorReport> {
  const [report, collect] = await Promise.all([
    doctor(place),
    linnix(place, "collect", "--duration", "1ms", "--format", "none"),
  ]);
  expect(`${collect.stderr}${report.stdout}${report.stderr}`).not.toMatch(/defect|unexpected error|Bun v/);
  const expected = place.cause ? EXIT.cannotRun : EXIT.ok;
  expect({ collect: collect.exitCode, stderr: collect.stderr }).toMatchObject({ collect: expected });
  expect(report.exitCode).toBe(collect.exitCode);
  expect(report.can.collect).toBe(place.cause === undefined);
  const trial = report.check("trial");
  expect(trial.status).toBe(place.cause ? "fail" : "ok");
  if (place.cause === undefined) return report;
  expect(trial.found).toMatch(place.cause);
  expect(collect.stderr).toMatch(place.cause);
  // The messages are identical, unless limits are so low that doctor cannot start a collector.
  if (!trial.found.startsWith("a collector cannot be started"))
    expect(collect.stderr).toContain(`linnix: ${trial.found}\n`);
  if (trial.hint !== undefined) expect(collect.stderr).toContain(trial.hint);
  if (place.hint) expect(trial.hint).toMatch(place.hint);
  return report;
}

/** Command prefix that sets limits by a shell. */
export function limited(limits: string): string[] {
  return ["/bin/sh", "-c", `${limits}; exec "$@"`, "sh"];
}
