import { OBSERVERS } from "../observers/registry.ts";
import { chooseBackend } from "../probes/backend.ts";
import type { BackendName } from "../probes/backend-name.ts";
import { IO_ACCOUNTING_FILE, missingFields } from "../probes/missing-fields.ts";
import type { Check, Section, Status } from "./check.ts";
import type { Facts } from "./facts.ts";
import { hasEnableStats, offersBtfBackend } from "./kernel.ts";
import { holds, isRoot } from "./privileges.ts";
import { type SamplingWay, samplingWay } from "./sampling.ts";
import { offersTracepointBackend } from "./tracefs.ts";

/** What the machine can be used for. */
export interface Verdict {
  /** The backend that `collect` chooses on this kernel, even if only root can use it; null if there is none. */
  backend: BackendName | null;
  /** Fields of events that this kernel and backend do not provide. */
  nullFields: string[];
  /** How `collect` gets CPU time and memory on this kernel; null if it has no backend. */
  sampling: SamplingWay | null;
  /** Whether each subcommand can run here and now, as this user. */
  can: { collect: boolean; overheadTest: boolean; compareWithPolling: boolean };
  /** Rows of the comparison that will be missing. */
  missingRows: string[];
  /** The status and the sentence that sum up the report. */
  status: Status;
  sentence: string;
}

/** Sums the checks up; pure. */
export function judge(facts: Facts, sections: readonly Section[]): Verdict {
  const checks = sections.flatMap((section) => section.checks);
  const backend = offeredBackend(facts);
  const hasRun = facts.trial?.error === null;
  const collect = hasRun || (backend !== null && checks.every((check) => check.status !== "fail"));
  const nullFields = listNullFields(facts, backend);
  const sampling = backend && samplingWay(facts.kernel, facts.sampling);
  const isWhole = backend === "btf" && nullFields.length === 0 && sampling !== "proc";
  const lacking = new Set(checks.filter(isLack).map(({ id }) => id));
  const isForeign = facts.namespaces.inInitialPidNamespace === false;
  const matchesEvents = !isForeign || (facts.namespaces.procPids ?? "own") === "own";
  const hasNativeCalls = facts.trial?.hasNativeCalls ?? true;
  const canMeasure = hasNativeCalls && facts.tempFolder?.error == null;
  const overheadTest = collect && canMeasure && matchesEvents && (!isForeign || backend === "btf");
  const missingRows = OBSERVERS.filter(
    ({ name, programs, needs }) =>
      [...programs.map((program) => program.name), ...(needs.checks ?? [])].some((id) => lacking.has(id)) ||
      (needs.bpf && !collect) ||
      (needs.root && !isRoot(facts.privileges)) ||
      (isForeign && (needs.initialPidNamespace || (name === "linnix" && !overheadTest))),
  ).map(({ name }) => name);
  return {
    backend,
    nullFields,
    sampling,
    // Polling needs only the /proc of its own pid namespace. A method that cannot run has a row with the reason.
    can: { collect, overheadTest, compareWithPolling: matchesEvents && canMeasure },
    missingRows,
    status: !collect ? "fail" : isWhole && !isForeign && canMeasure ? "ok" : "warn",
    sentence: [
      collect
        ? collectSentence(facts, backend, nullFields, { overheadTest, canMeasure }) +
          (sampling === "proc" ? ", samples from /proc" : "")
        : cannotSentence(backend, checks),
      !matchesEvents
        ? "compare-with-polling cannot run: /proc belongs to another pid namespace"
        : canMeasure
          ? compareSentence(collect, missingRows)
          : `compare-with-polling cannot run (${hasNativeCalls ? "temporary folder" : "trial run"})`,
    ].join("; "),
  };
}

function offeredBackend({ kernel, tracefs }: Facts): BackendName | null {
  const backend = chooseBackend("auto", offersBtfBackend(kernel));
  return backend === "tracepoint" && !offersTracepointBackend(tracefs) ? null : backend;
}

function listNullFields({ kernel }: Facts, backend: BackendName | null): string[] {
  return backend === null
    ? []
    : [...missingFields(backend, (path) => (path === IO_ACCOUNTING_FILE ? kernel.ioAccounting : kernel.loginUids))];
}

function isLack(check: Check): boolean {
  return (check.status === "warn" || check.status === "info") && check.costs !== undefined;
}

function collectSentence(
  facts: Facts,
  backend: BackendName | null,
  nullFields: readonly string[],
  { overheadTest, canMeasure }: { overheadTest: boolean; canMeasure: boolean },
): string {
  const fields = nullFields.length === 0 ? "every field known" : `null: ${nullFields.join(", ")}`;
  const hasStatistics = hasEnableStats(facts.kernel) !== false && holds(facts.privileges, "CAP_SYS_ADMIN");
  const lack = hasStatistics ? "" : " (the latter without in-kernel figures)";
  const pids = facts.namespaces.inInitialPidNamespace === false ? ", pids are the host's" : "";
  const can = overheadTest
    ? `collect and overhead-test can run here${lack}`
    : `collect can run here, overhead-test cannot (${canMeasure ? "pid namespace" : "temporary folder"})`;
  return `${can}: ${backend} backend, ${fields}${pids}`;
}

function cannotSentence(backend: BackendName | null, checks: readonly Check[]): string {
  const blocking = checks.filter((check) => check.status === "fail").map((check) => check.title);
  const why = blocking.length === 0 ? "" : ` (${blocking.join(", ")})`;
  const else_ = backend === null ? "this kernel offers no backend" : `the kernel itself offers the ${backend} backend`;
  return `collect and overhead-test cannot run here${why}, ${else_}`;
}

function compareSentence(collect: boolean, missingRows: readonly string[]): string {
  const rows = missingRows.length === 0 ? "with every method" : `without ${missingRows.join(", ")}`;
  return `compare-with-polling can run${collect ? " too" : ""}, ${rows}`;
}
