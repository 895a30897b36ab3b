import type { ApiServer } from "../api/server.ts";
import { log, setLogLevel } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import type { Identity } from "../process/identity.ts";
import { redactorOf } from "../process/redact.ts";
import { Output } from "../sinks/output.ts";
import { OutputClosed } from "../sinks/output-errors.ts";
import { holdBackground, releaseBackground } from "../sys/background-hold.ts";
import { boottimeNs } from "../sys/clock.ts";
import { takeHangups } from "../sys/hangups.ts";
import { accountNamed, dropTo } from "../sys/privileges.ts";
import { mapTouchedPagesOnly } from "../sys/touched-pages.ts";
import type { Counters } from "../wire/counters.ts";
import type { RunSummary } from "../wire/summary.ts";
import { Collector } from "./collector.ts";
import { Conditions } from "./conditions.ts";
import { Delivery } from "./delivery.ts";
import { Hangup } from "./hangup.ts";
import { type CollectIo, openOutput, openSink, quietThreads, warnIfReadable } from "./open-output.ts";
import { setPace } from "./pace.ts";
import { Reloader } from "./reloader.ts";
import type { Phase, RunParts } from "./run-parts.ts";
import type { ServiceManager } from "./service-manager.ts";
import { listenToSignals } from "./signals.ts";
import { SourceNotice } from "./source-notice.ts";
import type { Spending } from "./spending.ts";
import { startEvent } from "./start-event.ts";
import { firstStormRate } from "./storm-control.ts";
import { lookAtPrivilege } from "./thread-priority.ts";

type Account = ReturnType<typeof accountNamed>;

export interface CollectHooks {
  /** Called once all probes are attached and the log reports that linnix watches. */
  onWatching?(collector: Collector): void;
  /** The service manager that waits for reports of this run. */
  manager?: ServiceManager | undefined;
  /** Reads the configuration again, at SIGHUP. If absent, SIGHUP ends the run. */
  reread?(): Promise<CollectConfig>;
}

/**
 * `linnix collect`: watches until a signal, the duration or a closed pipe ends it.
 * @throws LinnixError if linnix cannot run on this machine, or if its output fails
 */
export async function runCollect(config: CollectConfig, io: CollectIo, hooks: CollectHooks = {}): Promise<ExitCode> {
  using run = new CollectorRun(config, io, hooks);
  return await run.run();
}

/**
 * One run. The fields are its parts in the order of the data: kernel side and process table, the sinks, and the control of
 * both. Optional parts are imported only if they are used, because code takes memory.
 */
class CollectorRun implements RunParts, Disposable {
  readonly conditions = new Conditions();
  readonly collector: Collector;
  #identity: Identity | undefined;
  readonly #delivery: Delivery;
  output: Output | undefined;
  api: ApiServer | undefined;
  spending: Spending | undefined;
  readonly #sourceNotice = new SourceNotice();
  readonly #reloader: Reloader;
  readonly #hangup: Hangup;

  config: CollectConfig;
  phase: Phase = "starting";
  readonly #io: CollectIo;
  readonly #hooks: CollectHooks;
  /** The account that linnix switches to when it gives up root. */
  readonly #account: Account | undefined;
  /** Released in reverse order. */
  readonly #resources: DisposableStack;
  readonly #ended = Promise.withResolvers<void>();
  #failure: unknown;
  #startedNs = 0;
  /** When the duration is over, by performance.now(). */
  #endMs = Number.POSITIVE_INFINITY;
  #reloadsOnceWatching = false;

  /**
   * Loads the kernel side, but attaches nothing yet.
   * @throws LinnixError if linnix cannot run on this machine
   */
  constructor(config: CollectConfig, io: CollectIo, hooks: CollectHooks) {
    const { manager } = hooks;
    this.config = config;
    this.#io = io;
    this.#hooks = hooks;
    this.#hangup = new Hangup(io.isTty);
    // This comes before anything is loaded, so that a signal does not end the program in between.
    listenToSignals({ stop: () => this.#end(), hangup: () => this.#onHangup(), dump: () => void this.#dump() });
    // SIGHUP and the signals of log rotation have been blocked since the start of this program: see
    // commands/runtime.ts. This unblocks them.
    takeHangups();
    this.#account = config.run.user === null ? undefined : accountNamed(config.run.user);
    using resources = new DisposableStack();
    resources.defer(releaseBackground);
    if (this.#account) holdBackground();
    // This comes before the collector releases the pages that only the start needed, so that the kernel maps few of
    // them again.
    resources.use(mapTouchedPagesOnly());
    this.#delivery = resources.use(new Delivery((error) => this.#fail(error), this.conditions));
    this.#delivery.onIdle = () => {
      this.spending?.tick();
      manager?.looked();
    };
    const options = { ...collectorOptions(config), ...(manager && { maxFlushIntervalMs: manager.maxFlushMs }) };
    this.collector = resources.use(new Collector(options, this.#delivery, this.conditions));
    this.collector.table.redact = redactorOf(config.redaction);
    this.#reloader = new Reloader(config, {
      running: (isRunning) => {
        if (isRunning) manager?.reloading();
        else if (this.phase === "watching") manager?.ready(this.#status());
      },
      reread: async () => (await hooks.reread?.()) ?? config,
      reopen: () => this.#reopen(),
      apply: (wanted) => this.#apply(wanted),
      changed: () => this.#writeStart(),
    });
    this.#resources = resources.move();
  }

  /** Makes the whole run, and closes the API however the run ends. */
  async run(): Promise<ExitCode> {
    try {
      await this.start();
      await this.#ended.promise;
      await this.stop();
    } catch (error) {
      this.#fail(error);
    } finally {
      await this.#closeApi();
    }
    if (this.#failure && !(this.#failure instanceof OutputClosed)) throw this.#failure;
    return EXIT.ok;
  }

  /**
   * Opens the sinks, attaches the probes, and drops root if --user is set.
   * @throws LinnixError if linnix cannot run on this machine
   */
  async start(): Promise<void> {
    const { collector, config } = this;
    await this.#openIdentity();
    this.#startedNs = boottimeNs();
    // This comes before attaching, so that an address in use ends the run immediately.
    await this.#openApi();
    // This comes after the kernel side is loaded and the API listens. If one of these fails, no empty file is left
    // behind.
    await this.#openOutput();
    collector.start(this.#account !== undefined);
    // This comes while linnix is still root, which may read every process.
    this.#identity?.lookAround();
    await this.#spend(config);
    if (this.#account) this.#giveUpRoot(this.#account);
    this.phase = "watching";
    this.#announce();
    // The current sampler was loaded before root was dropped.
    this.#sourceNotice.look(collector.samplingSource, true);
    this.#hooks.onWatching?.(collector);
    if (this.#reloadsOnceWatching) void this.reload();
    this.#endAfter(config.run.durationMs);
  }

  /** Reads the configuration again, and takes over what can change. Never fails. */
  reload(): Promise<void> {
    return this.#reloader.reload();
  }

  /**
   * Detaches, passes on the remaining events, and writes the summary.
   * @throws LinnixError, OutputClosed if the output fails
   */
  async stop(): Promise<void> {
    this.phase = "stopping";
    this.#hooks.manager?.stopping();
    await this.collector.stop();
    const { fork, exec, exit } = this.collector.counts().retried;
    log.debug(`skipped by the kernel and then retried: fork ${fork}, exec ${exec}, exit ${exit}, including threads`);
    const durationS = (boottimeNs() - this.#startedNs) / 1e9;
    const summary = () => this.#summary(durationS);
    if (!this.#failure) await this.#delivery.finish(summary);
    else if (!(this.#failure instanceof OutputClosed)) this.#delivery.summaryToStderr(summary);
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }

  get lastReload(): Reloader["last"] {
    return this.#reloader.last;
  }

  counters(): Counters {
    return { ...this.collector.counters(), unwritten: this.#delivery.unwritten };
  }

  #end(): void {
    this.#ended.resolve();
  }

  /** Ends the run with an error. Only the first error counts. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end();
  }

  #onHangup(): void {
    if (!this.#hooks.reread || this.#hangup.ends()) this.#end();
    else if (this.phase === "watching") void this.reload();
    // The configuration was read before the start, so a later change would be missed.
    else this.#reloadsOnceWatching = true;
  }

  /** Opens the lookup of cgroups, containers and units, unless neither an output nor the API shows them. */
  async #openIdentity(): Promise<void> {
    const { output, api } = this.config;
    if (output.format === "none" && api.listen === null) return;
    const { Identity } = await import("../process/identity.ts");
    const identity = this.#resources.adopt(new Identity(this.collector.table), (opened) => opened.close());
    this.#identity = identity;
    this.collector.identity = identity;
    identity.reportNamespace(this.conditions);
  }

  async #openApi(): Promise<void> {
    const { listen } = this.config.api;
    if (listen === null || !this.#identity) return;
    const { openApi } = await import("./api-source.ts");
    this.api = await openApi(this, this.#identity, listen, this.#account);
    this.#delivery.add(this.api);
  }

  async #closeApi(): Promise<void> {
    const { api } = this;
    if (!api) return;
    this.#delivery.remove(api);
    await api.close();
  }

  async #openOutput(): Promise<void> {
    const { config } = this;
    const { file } = config.output;
    const options = { goesOn: config.api.listen !== null, owner: this.#account };
    const output =
      file === null ? Output.of(this.#io.stdout, options) : await openOutput(file, options, this.#ended.promise);
    this.#resources.defer(() => void output.close().catch(() => {}));
    if (this.#account) await quietThreads(this.#ended.promise);
    if (file !== null) warnIfReadable(output);
    this.output = output;
    this.#delivery.open(await openSink(config, output, this.#io), output, () => this.collector.drain());
    this.#writeStart();
  }

  #writeStart(): void {
    this.#delivery.start(startEvent(this.collector.backend, this.config));
  }

  #giveUpRoot(account: Account): void {
    dropTo(account);
    releaseBackground();
    this.collector.readHeldImages();
    lookAtPrivilege();
    this.collector.keepLoaded();
  }

  #endAfter(durationMs: number | null): void {
    if (durationMs) {
      const timer = setTimeout(() => this.#end(), durationMs);
      this.#resources.defer(() => clearTimeout(timer));
      this.#endMs = performance.now() + durationMs;
    }
    this.#delivery.othersFreeMs = () => (this.spending?.isMeasuring ? 0 : this.#endMs - performance.now());
  }

  async #spend(wanted: CollectConfig): Promise<void> {
    if (this.spending) return this.spending.reconfigure(wanted);
    if (wanted.budget.cpuPct === 0 && wanted.api.listen === null) return;
    const { Spending } = await import("./spending.ts");
    const answeringNs = () => this.api?.answeringNs ?? 0;
    this.spending = this.#resources.use(
      new Spending(this.collector, wanted, answeringNs, (event) => this.#delivery.notice(event)),
    );
  }

  async #reopen(): Promise<boolean> {
    if (this.phase !== "watching" || !(await this.#delivery.reopen())) return false;
    this.#writeStart();
    if (this.output && this.config.output.file !== null) warnIfReadable(this.output);
    return true;
  }

  /** @returns what else has changed although the settings are the same */
  async #apply(wanted: CollectConfig): Promise<string[]> {
    if (this.phase !== "watching") return [];
    const { collector } = this;
    // This comes first, because only this can fail.
    const hasOtherToken = this.api?.reconfigure(wanted.api);
    this.#switchRedaction(wanted);
    collector.table.lingerNs = wanted.retention.lingerMs * 1e6;
    await this.#spend(wanted);
    collector.setDetail(this.spending?.detail ?? wanted.probes.detail);
    collector.setSummaryInterval(wanted.probes.summaryIntervalMs);
    if (!Bun.deepEquals(this.config.budget, wanted.budget))
      collector.setStormRate(firstStormRate(wanted), wanted.budget.stormRate === "auto");
    setPace(collector, this.spending?.samplingLevel ?? 0, wanted);
    this.#sourceNotice.look(collector.samplingSource, this.#account === undefined);
    setLogLevel(wanted.log.level);
    this.config = wanted;
    return hasOtherToken ? ["the API's token"] : [];
  }

  /**
   * Applies the new redaction to the table, and so to graphs and later exits. Drops kept events and answers, because
   * they may show text that is now hidden.
   */
  #switchRedaction({ redaction }: CollectConfig): void {
    if (Bun.deepEquals(this.config.redaction, redaction)) return;
    this.collector.table.redactKnown(redactorOf(redaction));
    if (redaction.redact) this.api?.forget();
    else
      log.warn(
        "redaction is switched off: command lines are shown from now on\nset redaction.redact = true to hide them",
      );
  }

  /** Logs that linnix watches, the backend, the fields that are not available, and the address of the API. */
  #announce(): void {
    const { api } = this;
    const { name, missingFields, detail, images } = this.collector.backend;
    log.info(`watching by the ${name} backend${missingFields.length === 0 ? ", every field" : ""}; Ctrl-C ends`);
    if (missingFields.length > 0) {
      log.warn(`the ${name} backend has no values for these fields, which are null: ${missingFields.join(", ")}`);
    }
    if (detail.level === "processes") {
      const most = `path and arguments of up to ${images.images} processes, ${images.largeImages} of them long`;
      log.info(`the kernel keeps ${most}, in at most ${(images.bytes / 2 ** 20).toFixed(1)} MiB`);
    }
    const { groups } = this.collector;
    if (api) log.info(`answering at ${api.url}`);
    if (groups) log.info(`adding up by unit and container: ${groups.memoryBound}`);
    this.#hooks.manager?.ready(this.#status());
  }

  /** The line for `systemctl status`. */
  #status(): string {
    const { api } = this;
    return `Watching by the ${this.collector.backend.name} backend${api ? `, answering at ${api.url}` : ""}`;
  }

  async #dump(): Promise<void> {
    if (this.phase === "starting") return;
    const { dumpState } = await import("./state-dump.ts");
    dumpState(this);
  }

  #summary(durationS: number): RunSummary {
    const { page_faults, ...counters } = this.counters();
    const { name, missingFields } = this.collector.backend;
    const { user, system } = process.cpuUsage();
    return {
      type: "summary",
      duration_s: Number(durationS.toFixed(6)),
      detail: this.collector.backend.detail.level,
      running: this.collector.running,
      ...counters,
      ...(page_faults && { page_faults }),
      backend: name,
      missing_fields: [...missingFields],
      cost: {
        user_cpu_s: user / 1e6,
        system_cpu_s: system / 1e6,
        cpu_pct: Number(((user + system) / 1e4 / durationS).toFixed(4)),
        max_rss_bytes: process.resourceUsage().maxRSS * 1024,
      },
    };
  }
}

/** The options of a collector by these settings. */
export function collectorOptions({ probes, filters, ring, retention, sampling, api, metrics, budget }: CollectConfig) {
  const { maxGroups: max, groupGraceMs, byComm } = metrics;
  const hasGroups = metrics.groups && api.listen !== null;
  return {
    ...(hasGroups && { groups: { max, graceNs: groupGraceMs * 1e6, byComm } }),
    backend: probes.backend,
    events: probes.events,
    detail: probes.detail,
    summaryIntervalMs: probes.summaryIntervalMs,
    maxArgsBytes: probes.maxArgsBytes,
    stormRate: firstStormRate({ budget, ring }),
    stormsFollowRings: budget.stormRate === "auto",
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
