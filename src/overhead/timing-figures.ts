import { bootstrapRatio } from "../stats/bootstrap.ts";
import type { Interval } from "../stats/interval.ts";
import { sum } from "../stats/moments.ts";
import { quantile } from "../stats/quantile.ts";
import type { NotMeasured, RawBatches, RawRun, RawWindow } from "./raw.ts";
import type { HookName, Range, TimingFigures } from "./result.ts";
import type { Batch } from "./steps/batches.ts";
import { knownSum } from "./windows.ts";

const HOOKS: readonly HookName[] = ["fork", "exec", "exit"];

const SECONDS_A_DAY = 86_400;

const NO_STATISTICS = "the kernel did not count the runs of a program of that name";
const NO_OUTPUT = "the output of the subject was not read";
const NO_EVENTS = "the output of the subject has no line of a fork, exec or exit";
const NO_BATCH = "the test ended before the first batch";

/** The times of single steps: a pure function of the measured data. */
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
  const ringWrite = stepOf(raw.ring_write, stepNs);
  const read = stepOf(raw.reading, ({ without_ns }) => without_ns);
  const json = stepOf(raw.reading, stepNs);
  const delay = delayOf(raw);
  const steps = { ring_write_ns: ringWrite, read_ns: read, json_ns: json, kernel_to_output_ms: delay };
  return {
    hook_ns: byHook(({ ns }) => ns),
    hook_ns_ci95: byHook(({ ci95 }) => ci95),
    ring_write_ns: ringWrite.value,
    ring_write_ns_p5_p95: ringWrite.range,
    read_ns: read.value,
    read_ns_p5_p95: read.range,
    json_ns: json.value,
    json_ns_p5_p95: json.range,
    bytes_per_event: bytesPerEvent,
    bytes_per_event_p5_p95: output && [output.p5_bytes, output.p95_bytes],
    bytes_per_second: bytesPerSecond,
    bytes_per_day: bytesPerSecond === null ? null : bytesPerSecond * SECONDS_A_DAY,
    kernel_to_output_ms: { p50: delay.value, p99: delay.p99 },
    kernel_to_output_ms_p5_p95: delay.range,
    kernel_to_output_lines: delay.lines,
    kernel_to_output_flush_ms: delay.flushMs,
    not_measured: [
      ...hooks.filter(({ ns }) => ns === null).map(({ name }) => ({ part: `hook_ns.${name}`, why: NO_STATISTICS })),
      ...Object.entries(steps).flatMap(([part, { why }]) => (why === null ? [] : [{ part, why }])),
      ...(output === null ? [{ part: "bytes_per_event", why: raw.counts === null ? NO_OUTPUT : NO_EVENTS }] : []),
    ],
  };
}

/**
 * Run time of a hook's program and of the program that retries after it on the same tracepoint, divided by the runs of
 * the former, ns. The exit hook also runs at the end of each thread.
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

interface Step {
  /** The median; null if it was not measured, for the reason in `why`. */
  value: number | null;
  range: Range | null;
  why: string | null;
}

function isMissing(raw: object): raw is NotMeasured {
  return "not_measured" in raw;
}

function stepNs({ with_ns, without_ns }: Batch): number {
  return with_ns - without_ns;
}

/** Median and spread over the batches of the time for one record, ns. */
function stepOf(raw: RawBatches | NotMeasured, nsOf: (batch: Batch) => number): Step {
  if (isMissing(raw)) return { value: null, range: null, why: raw.not_measured };
  if (raw.batches.length === 0) return { value: null, range: null, why: NO_BATCH };
  return { ...spreadOf(raw.batches.map((batch) => nsOf(batch) / raw.items)), why: null };
}

function spreadOf(values: readonly number[]): { value: number; range: Range } {
  return { value: quantile(values, 0.5), range: [quantile(values, 0.05), quantile(values, 0.95)] };
}

function delayOf({ output_delay: delay }: RawRun): Step & {
  p99: number | null;
  lines: number | null;
  flushMs: number | null;
} {
  if (isMissing(delay)) {
    return { value: null, range: null, p99: null, lines: null, flushMs: null, why: delay.not_measured };
  }
  const ms = delay.delays_us.map((us) => us / 1000);
  return { ...spreadOf(ms), p99: quantile(ms, 0.99), lines: delay.lines, flushMs: delay.flush_ms, why: null };
}
