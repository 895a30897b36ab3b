import { version } from "../../package.json";
import type { Settings } from "../config/schema.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { checkFacts } from "./checks.ts";
import { type Facts, readFacts } from "./facts.ts";
import { type HostReader, hostReader } from "./host-reader.ts";
import { isJitOn } from "./jit.ts";
import { renderReport } from "./render.ts";
import { judge } from "./verdict.ts";

export interface DoctorOptions {
  /** Whether the report is JSON with the schema `linnix.doctor/1`, instead of the table. */
  json: boolean;
  color: boolean;
  /**
   * Columns to wrap the table at; null for no wrapping. The default is the width of the terminal, or null without one.
   */
  columns?: number | null;
  /** The machine to check; by default this one. */
  host?: HostReader;
  /** How long steal time is measured, in ms. */
  stealWindowMs?: number;
  /**
   * Settings in force, with which a collector is started and a temporary folder is made. If absent, neither is done.
   */
  settings?: Settings;
}

/**
 * Checks what this machine supports and how to fix what is missing.
 * @returns the report, and `EXIT.ok` if `collect` can run here as this user, else `EXIT.cannotRun`
 */
export async function runDoctor(options: DoctorOptions): Promise<{ text: string; exitCode: ExitCode }> {
  const { host = hostReader(), stealWindowMs, settings } = options;
  const facts = await readFacts(host, { settings, ...(stealWindowMs !== undefined && { stealWindowMs }) });
  const sections = checkFacts(facts);
  const verdict = judge(facts, sections);
  const exitCode = verdict.can.collect ? EXIT.ok : EXIT.cannotRun;
  if (options.json) {
    const report = {
      schema: "linnix.doctor/1",
      version,
      host: describeHost(facts),
      checks: sections.flatMap((section) => section.checks),
      backend: verdict.backend,
      null_fields: verdict.nullFields,
      sampling: verdict.sampling,
      can: {
        collect: verdict.can.collect,
        "overhead-test": verdict.can.overheadTest,
        "compare-with-polling": verdict.can.compareWithPolling,
      },
      missing_rows: verdict.missingRows,
    };
    return { text: `${JSON.stringify(report, null, 2)}\n`, exitCode };
  }
  const { kernel, machine } = facts;
  const where = [`Linux ${kernel.release ?? "(unknown)"}`, machine.distribution].filter(Boolean).join(", ");
  const heading = `linnix ${version} doctor on ${where}`;
  const columns = options.columns === undefined ? terminalColumns() : options.columns;
  return { text: renderReport(heading, sections, verdict, { color: options.color, columns }), exitCode };
}

/** Facts about the machine, with the same names as in the other reports. An unknown fact is null. */
function describeHost({ kernel, jit, machine, clock }: Facts) {
  return {
    kernel: kernel.release,
    arch: kernel.machine,
    distribution: machine.distribution,
    cpus: machine.cpusOnline,
    cpu_model: machine.cpuModel,
    memory_bytes: machine.memoryBytes,
    btf: kernel.btf.features !== null,
    jit: isJitOn(jit, kernel),
    virtualization: machine.virtualization,
    steal_pct: clock.stealPct,
    clocksource: clock.clocksource,
  };
}

function terminalColumns(): number | null {
  return process.stdout.isTTY ? process.stdout.columns || 80 : null;
}
