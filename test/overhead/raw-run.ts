import type { RawRun, RawWindow } from "../../src/overhead/raw.ts";

/** A window with given shares of one core for the subject and its programs, and a given number of processes. */
export function rawWindow(
  phase: RawWindow["phase"],
  { toS = 2, lengthS = 2, cpuPct = 0.2, kernelPct = 0.05, spawned = 200, ...more } = {} as Partial<RawWindow> & {
    toS?: number;
    lengthS?: number;
    cpuPct?: number | null;
    kernelPct?: number | null;
  },
): RawWindow {
  const ns = (pct: number | null): number | null => (pct === null ? null : pct * lengthS * 1e7);
  return {
    phase,
    rate: phase === "baseline" ? null : 100,
    from_s: toS - lengthS,
    to_s: toS,
    elapsed_ns: lengthS * 1e9,
    cpu_ns: phase === "baseline" ? null : ns(cpuPct),
    user_ns: phase === "baseline" ? null : 3e7,
    system_ns: phase === "baseline" ? null : 1e7,
    run_ns: phase === "baseline" ? null : ns(kernelPct),
    runs: phase === "baseline" ? null : spawned * 3,
    own_run_ns: phase === "baseline" ? null : 0,
    programs: phase === "baseline" ? null : programsOf(spawned, ns(kernelPct)),
    wakeups: phase === "baseline" ? null : 20,
    memory:
      phase === "baseline"
        ? null
        : { rss_bytes: 30 << 20, pss_bytes: 20 << 20, anon_bytes: 4 << 20, file_bytes: 26 << 20 },
    machine: {
      cpus: 2,
      userTicks: 15 * lengthS,
      systemTicks: 15 * lengthS,
      idleTicks: 170 * lengthS,
      stealTicks: 0,
    },
    cpu_pressure_us: 20_000 * lengthS,
    monitor_cpu_ns: 0.1 * lengthS * 1e7,
    spawned: phase === "baseline" ? 0 : spawned,
    events: phase === "baseline" ? null : spawned * 3,
    ...more,
  };
}

/** A program for each event type, with equal shares of the time, and a program that the collector calls itself. */
function programsOf(runs: number, runNs: number | null): RawWindow["programs"] {
  if (runNs === null) return null;
  return ["fork", "exec", "exit"].map((name, id) => ({
    id,
    name: `handle_${name}`,
    runs,
    run_ns: runNs / 3,
    own: false,
  }));
}

/** An empty run. */
export function emptyRun(): RawRun {
  return {
    windows: [],
    programs: null,
    statistics_price: null,
    load: null,
    cold: null,
    kernel_memory: null,
    workloads: [],
    capture: null,
    output: null,
    counts: null,
    noise: null,
    slowdown: [],
    slowdown_counts: null,
    ring_write: { not_measured: "made by hand" },
    reading: { not_measured: "made by hand" },
    output_delay: { not_measured: "made by hand" },
  };
}

const CAPTURED_ALL = {
  without_fork: 0,
  without_exec: 0,
  without_exit: 0,
  wrong_args: 0,
  wrong_status: 0,
  unreported_args: 0,
  unreported_status: 0,
};

/** A block with the same duration for all figures, µs. */
function block(us: number) {
  return { n: 20, p10: us, p25: us, p50: us, mean: us, cpuUs: us };
}

/** Rounds in which the watched arm takes longer by a given time, with the same spread in every round. */
export function slowdownRounds(operation: string, baseUs: number, addedUs: number, spreadUs = 0.5, rounds = 24) {
  return {
    operation,
    seed: 1,
    repetitions: 20,
    warmup: 5,
    rounds: Array.from({ length: rounds }, (_, i) => {
      const jitter = spreadUs * Math.sin(i * 2.4);
      return {
        order: ["off", "on", "null", "null", "on", "off"] as ("on" | "off" | "null")[],
        blocks: [0, addedUs + jitter, -jitter, -jitter, addedUs + jitter, 0].map((us) => block(baseUs + us)),
      };
    }),
  };
}

/** A whole run on a quiet machine: 0.25 % on average, everything captured, a process slowed by 4 µs. */
export function quietRun(): RawRun {
  const wave = (i: number): number => 0.02 * Math.sin(i * 1.7);
  const workload = Array.from({ length: 30 }, (_, i) =>
    rawWindow("workload", { toS: 20 + 2 * i, cpuPct: 0.2 + wave(i), kernelPct: 0.05 }),
  );
  const sweep = [0, 50, 200].flatMap((rate, step) =>
    [0, 1, 2].map((i) =>
      rawWindow("sweep", {
        toS: 90 + 12 * step + 4 * i,
        lengthS: 4,
        cpuPct: 0.1 + rate * 1e-3 + wave(i) / 4,
        kernelPct: rate * 5e-4,
        spawned: rate * 4,
        rate,
      }),
    ),
  );
  const count = { fork: 7000, exec: 7000, exit: 7000 };
  return {
    ...emptyRun(),
    windows: [
      ...Array.from({ length: 5 }, (_, i) => rawWindow("baseline", { toS: 2 + 2 * i })),
      rawWindow("warm-up", { toS: 18, lengthS: 5, cpuPct: 1.2, spawned: 2000, rate: 400 }),
      ...workload,
      ...sweep,
    ],
    programs: [
      { id: 1, name: "handle_fork", runs: 6000, run_ns: 10_000_000, own: false },
      { id: 2, name: "handle_exec", runs: 6000, run_ns: 9_000_000, own: false },
      { id: 3, name: "handle_exit", runs: 6000, run_ns: 11_000_000, own: false },
      { id: 4, name: "list_processes", runs: 1, run_ns: 200_000, own: true },
    ],
    statistics_price: { nsPerRun: 80, countedNsPerRun: 50 },
    load: { elapsed_ns: 120e6, cpu_ns: 90e6 },
    cold: {
      rate: 100,
      loaded: { elapsed_ns: 10e9, start_cpu_ns: 90e6, cpu_ns: 125e6, spawned: 880, events: 2760 },
      idle: { elapsed_ns: 10e9, start_cpu_ns: 95e6, cpu_ns: 103e6, spawned: 0, events: 60 },
    },
    kernel_memory: { ringBytes: 532_480, mapBytes: 120_000, programBytes: 26_000 },
    workloads: [
      {
        phase: "workload",
        rate_asked: 100,
        rate_achieved: 99.98,
        duration_s: 61.4,
        spawned: 6140,
        skipped: 0,
        failed: 0,
        children_cpu_us: 6140 * 2500,
        spawner_cpu_ns: 6140 * 200_000,
        left_out: [],
      },
    ],
    capture: { spawned: 6140, captured: 6140, ...CAPTURED_ALL },
    counts: {
      duration_s: 110,
      backend: "btf",
      missing_fields: [],
      emitted: count,
      received: count,
      suppressed: { fork: 0, exec: 0, exit: 0 },
      folded: { fork: 0, exec: 0, exit: 0 },
      lost: 0,
    },
    noise: slowdownRounds("bare-fork", 60, 0, 0.3),
    slowdown: [slowdownRounds("bare-fork", 60, 1.5, 0.3), slowdownRounds("spawn", 500, 4)],
    slowdown_counts: {
      duration_s: 24,
      backend: "btf",
      missing_fields: [],
      emitted: count,
      received: count,
      suppressed: { fork: 0, exec: 0, exit: 0 },
      folded: { fork: 0, exec: 0, exit: 0 },
      lost: 0,
    },
    // A write takes 70, 80 … 170 ns; reading a record takes 500 ns, encoding it 900 ns.
    ring_write: {
      items: 256,
      bytes: 168,
      batches: Array.from({ length: 11 }, (_, i) => ({ with_ns: 256 * (80 + 10 * i), without_ns: 256 * 10 })),
    },
    reading: {
      items: 819,
      bytes: null,
      batches: Array.from({ length: 11 }, () => ({ with_ns: 819 * 1400, without_ns: 819 * 500 })),
    },
    // The delays are 0, 10 … 1,000 ms.
    output_delay: {
      lines: 101,
      unseen: 0,
      flush_ms: 1000,
      delays_us: Array.from({ length: 101 }, (_, i) => 10_000 * i),
    },
  };
}
