import type { ApiServer } from "../api/server.ts";
import { log, setLogLevel, stderrWritten } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { redactorOf } from "../process/redact.ts";
import { JsonlSink } from "../sinks/jsonl.ts";
import { NoneSink } from "../sinks/none.ts";
import { Output, type OutputOptions } from "../sinks/output.ts";
import { NoReader, OutputClosed } from "../sinks/output-errors.ts";
import type { Sink } from "../sinks/sink.ts";
import { holdBackground, isBackgroundHeld, releaseBackground } from "../sys/background-hold.ts";
import { boottimeNs } from "../sys/clock.ts";
import { takeHangups } from "../sys/hangups.ts";
import { accountNamed, dropTo } from "../sys/privileges.ts";
import { terminalColumns } from "../sys/terminal-size.ts";
import { mapTouchedPagesOnly } from "../sys/touched-pages.ts";
import { Collector } from "./collector.ts";
import { Delivery } from "./delivery.ts";
import { Hangup } from "./hangup.ts";
import { setPace } from "./pace.ts";
import { switchRedaction } from "./redaction-switch.ts";
import { Reloader } from "./reloader.ts";
import type { ServiceManager } from "./service-manager.ts";
import { listenToSignals } from "./signals.ts";
import { SourceNotice } from "./source-notice.ts";
import type { Spending } from "./spending.ts";
import { summaryOf } from "./summary.ts";
import { lookAtPrivilege } from "./thread-priority.ts";

export interface CollectIo {
  stdout: number;
  stderr: number;
  /** Whether events go to a terminal. */
  isTty: boolean;
  color: boolean;
}

export interface CollectHooks {
  /** Called once everything is attached and announced. */
  onWatching?(collector: Collector): void;
  /** The service manager that waits for reports of this run. */
  manager?: ServiceManager | undefined;
  /** Reads the configuration again, at SIGHUP; where it is left out SIGHUP ends the run. */
  reread?(): Promise<CollectConfig>;
}

async function openSink(config: CollectConfig, output: Output, io: CollectIo): Promise<Sink> {
  if (config.output.format === "none") return new NoneSink(output);
  if (config.output.format === "jsonl") return new JsonlSink(output);
  const { PrettySink } = await import("../sinks/pretty.ts");
  return new PrettySink(output, { color: io.color, width: widthOf(io) });
}

/** Of the terminal that events go to, which may be resized; 0: they go to none. */
function widthOf({ isTty, stdout }: CollectIo): () => number {
  return isTty ? () => terminalColumns(stdout) ?? 80 : () => 0;
}

function warnIfReadable(output: Output): void {
  if (!output.isReadableByAll) return;
  log.warn(`every account of this machine can read ${output.name}, which gets command lines\nchmod o-r ${output.name}`);
}

/** How often is looked whether a FIFO has a reader. */
const READER_LOOK_MS = 100;

/** A file that is not opened after this is reported. */
const SLOW_OPEN_MS = 2000;

/**
 * Opens the file; a FIFO once it has a reader, as a shell's `>` does.
 * @throws OutputClosed when the run ended before that
 */
async function openOutput(file: string, options: OutputOptions, ended: Promise<void>): Promise<Output> {
  const slow = setTimeout(
    () => warnOfWait(`waiting for ${file} to be opened: its filesystem does not answer`),
    SLOW_OPEN_MS,
  );
  const isOver = ended.then(() => undefined);
  try {
    for (let isFirst = true; ; isFirst = false) {
      const opening = Output.open(file, options).catch((error) => {
        if (error instanceof NoReader) return error;
        throw error;
      });
      const opened = await Promise.race([opening, isOver]);
      if (opened instanceof Output) return opened;
      if (opened === undefined) throw new OutputClosed();
      clearTimeout(slow);
      if (isFirst) warnOfWait(`waiting for a reader of the FIFO ${file}`);
      await Promise.race([isOver, Bun.sleep(READER_LOOK_MS)]);
    }
  } finally {
    clearTimeout(slow);
  }
}

/** The wait may be long: the message is written now. */
function warnOfWait(message: string): void {
  releaseBackground();
  log.warn(message);
}

/**
 * Keeps other threads from waiting for a filesystem until the user has been changed.
 * @throws OutputClosed if the run ended before a message was written
 */
async function quietThreads(ended: Promise<void>): Promise<void> {
  if (isBackgroundHeld()) return;
  const isOver = ended.then(() => true);
  if (await Promise.race([stderrWritten(), isOver])) throw new OutputClosed();
  holdBackground();
}

/** Where nobody is told of an event, nobody need know where its process belongs. */
async function openIdentity({ output, api }: CollectConfig, { table }: Collector) {
  if (output.format === "none" && api.listen === null) return undefined;
  const { Identity } = await import("../process/identity.ts");
  return new Identity(table);
}

/**
 * `linnix collect`: watches until a signal, the duration or a closed pipe ends it.
 * @throws LinnixError when it cannot run here, or its output fails
 */
export async function runCollect(config: CollectConfig, io: CollectIo, hooks: CollectHooks = {}): Promise<ExitCode> {
  const ended = Promise.withResolvers<void>();
  let failure: unknown;
  const fail = (error: unknown) => {
    failure ??= error;
    ended.resolve();
  };
  let phase: "starting" | "watching" | "stopping" = "starting";
  const stop = () => ended.resolve();
  const hangup = new Hangup(io.isTty);
  let reloadsOnceWatching = false;
  const onHangup = () => {
    if (!hooks.reread || hangup.ends()) stop();
    else if (phase === "watching") void reloader.reload();
    // The configuration was read before: what has changed since would not be seen.
    else reloadsOnceWatching = true;
  };
  let dump = async () => {};
  // Before anything is loaded.
  listenToSignals({ stop, hangup: onHangup, dump: () => void dump() });
  // Those that came since this program was started are held back, see commands/runtime.ts.
  takeHangups();
  const account = config.run.user === null ? undefined : accountNamed(config.run.user);
  using held = new DisposableStack();
  held.defer(releaseBackground);
  if (account) holdBackground();
  let outputFile: Output | undefined;
  /** In force now: a reload changes it. */
  let inForce = config;
  // Before the collector lets go of what was mapped to start.
  using _touchedOnly = mapTouchedPagesOnly();
  using delivery = new Delivery(
    fail,
    () => collector.drain(),
    () => collector.conditions,
  );
  const manager = hooks.manager;
  const maxFlush = manager ? { maxFlushIntervalMs: manager.maxFlushMs } : {};
  using collector = new Collector({ ...collectorOptions(config), ...maxFlush }, delivery);
  collector.table.redact = redactorOf(config.redaction);
  using scope = new DisposableStack();
  const { listen } = config.api;
  const identity = scope.adopt(await openIdentity(config, collector), (opened) => opened?.close());
  collector.identity = identity;
  identity?.reportNamespace(collector.conditions);
  const sourceNotice = new SourceNotice();
  let spending: Spending | undefined;
  const spend = async (wanted: CollectConfig) => {
    if (spending) return spending.reconfigure(wanted);
    if (wanted.budget.cpuPct === 0 && wanted.api.listen === null) return;
    const { Spending } = await import("./spending.ts");
    spending = scope.use(
      new Spending(
        collector,
        wanted,
        () => api?.answeringNs ?? 0,
        (event) => delivery.degraded(event),
      ),
    );
  };
  delivery.onIdle = () => {
    spending?.tick();
    manager?.looked();
  };
  const reloader = new Reloader(config, {
    running: (isRunning) => {
      if (isRunning) manager?.reloading();
      else if (phase === "watching") manager?.ready(watchingStatus(collector, api));
    },
    reread: async () => (await hooks.reread?.()) ?? config,
    reopen: async () => {
      if (phase !== "watching" || !(await delivery.reopen())) return false;
      if (outputFile) warnIfReadable(outputFile);
      return true;
    },
    apply: async (wanted) => {
      if (phase !== "watching") return [];
      // First, for it alone can fail.
      const hasOtherToken = delivery.api?.reconfigure(wanted.api);
      switchRedaction(inForce.redaction, wanted.redaction, collector.table, delivery.api);
      collector.table.lingerNs = wanted.retention.lingerMs * 1e6;
      await spend(wanted);
      setPace(collector, spending?.budget.level ?? 0, wanted);
      sourceNotice.look(collector.samplingSource, account === undefined);
      setLogLevel(wanted.log.level);
      inForce = wanted;
      return hasOtherToken ? ["the API's token"] : [];
    },
  });
  let api: ApiServer | undefined;
  try {
    const startedNs = boottimeNs();
    // Before anything is attached: an address that is taken ends it at once.
    if (listen !== null && identity) {
      const { openApi } = await import("./api.ts");
      const now = () => ({ config: inForce, spending, phase });
      const unwritten = () => delivery.unwritten;
      const writtenBytes = () => delivery.writtenBytes;
      const reload = () => reloader.last;
      api = await openApi(listen, { collector, identity, account, unwritten, writtenBytes, reload, now });
      delivery.api = api;
    }
    // After the kernel half is loaded and the address is taken: where that fails, no empty file is left behind.
    const { file } = config.output;
    const options = { goesOn: listen !== null, owner: account };
    const output = file === null ? Output.of(io.stdout, options) : await openOutput(file, options, ended.promise);
    scope.defer(() => void output.close().catch(() => {}));
    if (account) await quietThreads(ended.promise);
    if (file !== null) {
      outputFile = output;
      warnIfReadable(output);
    }
    delivery.open(await openSink(config, output, io), output);
    collector.start(account !== undefined);
    // As root, who may look everywhere.
    identity?.lookAround();
    await spend(config);
    if (account) {
      dropTo(account);
      releaseBackground();
      collector.readHeldImages();
      lookAtPrivilege();
      collector.keepLoaded();
    }
    phase = "watching";
    dump = async () => {
      const { dumpState } = await import("./state-dump.ts");
      dumpState({ collector, config: inForce, phase, spending, api, output });
    };
    announce(collector, api);
    manager?.ready(watchingStatus(collector, api));
    // What is sampled by now was loaded by root.
    sourceNotice.look(collector.samplingSource, true);
    hooks.onWatching?.(collector);
    if (reloadsOnceWatching) void reloader.reload();
    const { durationMs } = config.run;
    const timer = durationMs ? setTimeout(stop, durationMs) : undefined;
    const endMs = durationMs ? performance.now() + durationMs : Number.POSITIVE_INFINITY;
    delivery.othersFreeMs = () => (spending?.isMeasuring ? 0 : endMs - performance.now());
    await ended.promise;
    clearTimeout(timer);
    phase = "stopping";
    manager?.stopping();
    await collector.stop();
    const { fork, exec, exit } = collector.counts().retried;
    log.debug(`skipped by the kernel and made good: fork ${fork}, exec ${exec}, exit ${exit}, threads among them`);
    const durationS = (boottimeNs() - startedNs) / 1e9;
    const summary = () => summaryOf(collector, durationS, delivery.unwritten);
    if (!failure) await delivery.finish(summary);
    else if (!(failure instanceof OutputClosed)) delivery.summaryToStderr(summary);
  } catch (error) {
    fail(error);
  } finally {
    delivery.api = undefined;
    await api?.close();
  }
  if (failure instanceof OutputClosed) return EXIT.ok;
  if (failure) throw failure;
  return EXIT.ok;
}

function collectorOptions({ probes, filters, ring, retention, sampling }: CollectConfig) {
  return {
    backend: probes.backend,
    events: probes.events,
    maxArgsBytes: probes.maxArgsBytes,
    pageFaults: probes.pageFaults,
    filters,
    ringBytes: ring.sizeBytes,
    watermarkBytes: ring.watermarkBytes,
    flushIntervalMs: ring.flushIntervalMs,
    lingerMs: retention.lingerMs,
    sampleIntervalMs: sampling.intervalMs,
    rssThresholdBytes: sampling.rssThresholdBytes,
  };
}

/** For `systemctl status`. */
function watchingStatus({ backend }: Collector, api: ApiServer | undefined): string {
  return `Watching by the ${backend.name} backend${api ? `, answering at ${api.url}` : ""}`;
}

/** Reports that it watches, by which backend, what that backend does not know, and where it answers. */
function announce({ backend }: Collector, api: ApiServer | undefined): void {
  const missing = backend.missingFields;
  log.info(`watching by the ${backend.name} backend${missing.length === 0 ? ", every field" : ""}; Ctrl-C ends`);
  if (missing.length > 0) log.warn(`the ${backend.name} backend cannot tell, so these are null: ${missing.join(", ")}`);
  if (api) log.info(`answering at ${api.url}`);
}
