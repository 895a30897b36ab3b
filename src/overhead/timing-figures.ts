import { bootstrapRatio } from "../stats/bootstrap.ts";
import type { Interval } from "../stats/interval.ts";
import { sum } from "../stats/moments.ts";
import type { RawRun, RawWindow } from "./raw.ts";
import type { HookName, TimingFigures } from "./result.ts";
import { knownSum } from "./windows.ts";

const HOOKS: readonly HookName[] = ["fork", "exec", "exit"];

const SECONDS_A_DAY = 86_400;

const NO_STATISTICS = "the kernel did not count the runs of a program of that name";
const NO_OUTPUT = "the output of the subject was not read";
const NOT_TIMED = "this version does not time that step";

/** What single steps take; a pure function of what was measured. */
export function timingsOf(raw: RawRun, workload: readonly RawWindow[], seed: number): TimingFigures {
  const hooks = HOOKS.map((name) => ({ name, ...hookOf(name, workload, seed) }));
  const byHook = <T>(of: (hook: (typeof hooks)[number]) => T) =>
    Object.fromEntries(hooks.map((hook) => [hook.name, of(hook)])) as Record<HookName, T>;
  const { output } = raw;
  const bytesPerEvent = output === null ? null : output.bytes / output.events;
  const events = knownSum(workload.map((window) => window.events));
  const elapsedS = workload.reduce((total, { elapsed_ns }) => total + elapsed_ns / 1e9, 0);
  const bytesPerSecond =
    bytesPerEvent === null || events === null || elapsedS === 0 ? null : (bytesPerEvent * events) / elapsedS;
  return {
    hook_ns: byHook(({ ns }) => ns),
    hook_ns_ci95: byHook(({ ci95 }) => ci95),
    ring_write_ns: null,
    read_ns: null,
    json_ns: null,
    bytes_per_event: bytesPerEvent,
    bytes_per_event_p5_p95: output && [output.p5_bytes, output.p95_bytes],
    bytes_per_second: bytesPerSecond,
    bytes_per_day: bytesPerSecond === null ? null : bytesPerSecond * SECONDS_A_DAY,
    kernel_to_output_ms: { p50: null, p99: null },
    not_measured: [
      ...hooks.filter(({ ns }) => ns === null).map(({ name }) => ({ part: `hook_ns.${name}`, why: NO_STATISTICS })),
      ...["ring_write_ns", "read_ns", "json_ns", "kernel_to_output_ms"].map((part) => ({ part, why: NOT_TIMED })),
      ...(output === null ? [{ part: "bytes_per_event", why: NO_OUTPUT }] : []),
    ],
  };
}

/**
 * Run time of a hook's program, and of the program that retries after it on the same tracepoint, divided by the runs of the
 * first. The hook of an exit also runs for the end of each thread.
 */
function hookOf(
  hook: HookName,
  workload: readonly RawWindow[],
  seed: number,
): { ns: number | null; ci95: Interval | null } {
  const windows = workload.flatMap(({ programs }) => {
    const named = (name: string) => (programs ?? []).filter((program) => program.name === name);
    const runs = sum(named(`handle_${hook}`).map((program) => program.runs));
    const ns = sum([...named(`handle_${hook}`), ...named(`retry_${hook}`)].map(({ run_ns }) => run_ns));
    return runs === 0 ? [] : [{ runs, ns }];
  });
  if (windows.length === 0) return { ns: null, ci95: null };
  const { value, interval } = bootstrapRatio(
    windows.map(({ ns }) => ns),
    windows.map(({ runs }) => runs),
    { seed },
  );
  return { ns: value, ci95: interval };
}
