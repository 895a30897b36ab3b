import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { boottimeNs } from "../libbpf/clock.ts";
import { accountNamed, dropTo } from "../libbpf/privileges.ts";
import { JsonlSink } from "../sinks/jsonl.ts";
import { NoneSink } from "../sinks/none.ts";
import { Output, OutputClosed, stuckReaderError } from "../sinks/output.ts";
import type { Sink } from "../sinks/sink.ts";
import type { RunSummary } from "../wire/summary.ts";
import { Collector } from "./collector.ts";

export interface CollectIo {
  stdout: number;
  stderr: number;
  /** Whether stdout is a terminal. */
  isTty: boolean;
  color: boolean;
}

/** How soon a full pipe is tried again, and how long its reader has for the end of the output. */
const SLOW_READER_MS = 10;
const STUCK_READER_MS = 2000;

async function openSink(config: CollectConfig, output: Output, io: CollectIo): Promise<Sink> {
  if (config.output.format === "none") return new NoneSink(output);
  if (config.output.format === "jsonl") return new JsonlSink(output);
  const { PrettySink } = await import("../sinks/pretty.ts");
  return new PrettySink(output, { color: io.color, width: io.isTty ? (process.stdout.columns ?? 80) : 0 });
}

/**
 * `linnix collect`: watches until a signal, the duration or a closed pipe ends it.
 * @param onWatching called once everything is attached and announced
 * @throws LinnixError when it cannot run here, or its output fails
 */
export async function runCollect(
  config: CollectConfig,
  io: CollectIo,
  onWatching?: (collector: Collector) => void,
): Promise<ExitCode> {
  const ended = Promise.withResolvers<void>();
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    ended.resolve();
  };
  const account = config.run.user === null ? undefined : accountNamed(config.run.user);
  let sink: Sink | undefined;
  let output: Output | undefined;
  let again: Timer | undefined;
  using collector = new Collector(
    {
      backend: config.probes.backend,
      events: config.probes.events,
      maxArgsBytes: config.probes.maxArgsBytes,
      filters: config.filters,
      ringBytes: config.ring.sizeBytes,
      watermarkBytes: config.ring.watermarkBytes,
      flushIntervalMs: config.ring.flushIntervalMs,
      lingerMs: config.retention.lingerMs,
      sampleIntervalMs: config.sampling.intervalMs,
      rssThresholdBytes: config.sampling.rssThresholdBytes,
    },
    {
      event: (view) => {
        if (failure) return;
        try {
          sink?.write(view);
        } catch (error) {
          fail(error);
        }
      },
      sample: (view) => {
        if (failure) return;
        try {
          sink?.write(view);
        } catch (error) {
          fail(error);
        }
      },
      lost: (event) => {
        if (!failure) sink?.lost(event);
      },
      ready: () => {
        if (failure || !output?.isBlocked) return true;
        try {
          if (output.retry()) return true;
        } catch (error) {
          fail(error);
        }
        // The reader is slow: look again soon, for a full pipe gives no signal.
        again ??= setTimeout(() => {
          again = undefined;
          collector.drain();
        }, SLOW_READER_MS);
        return false;
      },
      idle: () => {
        if (failure) return;
        try {
          sink?.flush();
        } catch (error) {
          fail(error);
        }
      },
    },
  );
  // After the kernel half is loaded: where that fails, no empty file is left behind.
  using opened = config.output.file === null ? Output.of(io.stdout) : Output.open(config.output.file);
  output = opened;
  sink = await openSink(config, output, io);
  const stop = () => ended.resolve();
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    const startedNs = boottimeNs();
    collector.start();
    if (account) dropTo(account);
    announce(collector);
    onWatching?.(collector);
    const { durationMs } = config.run;
    const timer = durationMs ? setTimeout(stop, durationMs) : undefined;
    await ended.promise;
    clearTimeout(timer);
    await collector.stop();
    if (!failure) {
      sink.finish(summaryOf(collector, (boottimeNs() - startedNs) / 1e9));
      await drained(output);
    }
  } catch (error) {
    fail(error);
  } finally {
    clearTimeout(again);
    for (const signal of signals) process.off(signal, stop);
  }
  if (failure instanceof OutputClosed) return EXIT.ok;
  if (failure) throw failure;
  return EXIT.ok;
}

/** Waits a while for a slow reader to take the end of the output. */
async function drained(output: Output): Promise<void> {
  for (let waitedMs = 0; !output.retry(); waitedMs += SLOW_READER_MS) {
    if (waitedMs >= STUCK_READER_MS) throw stuckReaderError();
    await Bun.sleep(SLOW_READER_MS);
  }
}

/** Says that it watches, by which backend, and what that backend cannot tell. */
function announce({ backend }: Collector): void {
  const missing = backend.missingFields;
  log.info(`watching by the ${backend.name} backend${missing.length === 0 ? ", every field" : ""}; Ctrl-C ends`);
  if (missing.length > 0) log.warn(`the ${backend.name} backend cannot tell, so these are null: ${missing.join(", ")}`);
}

function summaryOf(collector: Collector, durationS: number): RunSummary {
  const { emitted, lost, lostByCpu, filtered, threadsStarted, threadsExited } = collector.counts();
  const { user, system } = process.cpuUsage();
  const cpuS = (user + system) / 1e6;
  return {
    type: "summary",
    duration_s: Number(durationS.toFixed(6)),
    received: { ...collector.received },
    emitted,
    lost: lost.fork + lost.exec + lost.exit,
    lost_by_type: lost,
    lost_by_cpu: lostByCpu,
    filtered,
    suppressed: { fork: 0, exec: 0, exit: 0 },
    threads: { started: threadsStarted, exited: threadsExited },
    backend: collector.backend.name,
    missing_fields: [...collector.backend.missingFields],
    cost: {
      user_cpu_s: user / 1e6,
      system_cpu_s: system / 1e6,
      cpu_pct: Number(((100 * cpuS) / durationS).toFixed(4)),
      max_rss_bytes: process.resourceUsage().maxRSS * 1024,
    },
  };
}
