import { maxOpenFiles } from "../sys/open-files.ts";
import { CONDITION_NAMES, CONDITIONS } from "../wire/conditions.ts";
import {
  type Counters,
  EVENT_COUNTER_NAMES,
  EVENT_COUNTERS,
  type EventCounter,
  SAMPLE_LOSS_NAMES,
  SAMPLE_LOSSES,
} from "../wire/counters.ts";
import { DETAIL_LEVELS } from "../wire/detail-level.ts";
import { COUNTED_TYPES, type CountByType, LOSS_REASONS } from "../wire/event.ts";
import type { ConnectionLimit } from "./connection-limit.ts";
import type { EventStream } from "./event-stream.ts";
import { groupMetrics, type ShownGroups } from "./group-metrics.ts";
import { type MetricsFormat, MetricsText } from "./metrics-text.ts";
import { countOpenFds, readOwnMemory } from "./own-memory.ts";
import type { RequestCounts } from "./request-counts.ts";
import type { Facts } from "./source.ts";

export interface MetricsInput {
  version: string;
  facts: Facts;
  /** Null if there are no figures by unit and container. */
  groups: ShownGroups | null;
  stream: EventStream;
  requests: RequestCounts;
  connections: ConnectionLimit | undefined;
}

const byType = (counts: Readonly<CountByType>) => COUNTED_TYPES.map((type) => [{ type }, counts[type]] as const);
const ratio = (pct: number | null) => (pct === null ? null : pct / 100);

/** All metrics of linnix, in base units and with names that follow the conventions of Prometheus. */
export function renderMetrics(input: MetricsInput, format: MetricsFormat): MetricsText {
  const { version, facts, groups, stream, requests, connections } = input;
  const text = new MetricsText(format);
  const { backend } = facts;
  text.gauge("linnix_build_info", "Version and backend of linnix.", [[{ version, backend }, 1]]);
  text.gauge(
    "linnix_detail_level",
    "Level of detail of processes that start now: 1 for the level in force, 0 for each other level.",
    DETAIL_LEVELS.map((level) => [{ level }, facts.detail === level ? 1 : 0] as const),
  );
  text.gauge("linnix_collecting", "Whether events are being collected.", facts.collecting === true ? 1 : 0);
  text.gauge(
    "linnix_degraded",
    `Whether the collector sees less than it promises, by reason: ${CONDITION_NAMES.map((name) => `${name} (${CONDITIONS[name]})`).join("; ")}.`,
    CONDITION_NAMES.map((reason) => [{ reason }, facts.conditions.has(reason) ? 1 : 0] as const),
  );
  events(text, facts);
  processes(text, facts);
  cost(text, facts);
  storms(text, facts);
  deliveryMetrics(text, facts);
  processMetrics(text, facts);
  api(text, facts, stream, requests);
  connectionMetrics(text, connections);
  groupMetrics(text, groups);
  return text;
}

function events(text: MetricsText, { counters, ringCpus, outOfOrder, wakeups }: Facts): void {
  const { page_faults, samples, threads, unexplained_forks, unwritten } = counters;
  const faults: Partial<Record<EventCounter, number>> = page_faults ?? {};
  for (const name of EVENT_COUNTER_NAMES) {
    const { metric, help } = EVENT_COUNTERS[name];
    const { [name]: fault } = faults;
    text.counter(metric, help, [
      ...byType(counters[name]),
      ...(fault === undefined ? [] : [[{ type: "page_fault" }, fault] as const]),
      ...(name === "received" ? [[{ type: "sample" }, samples.emitted] as const] : []),
    ]);
  }
  text.counter(
    "linnix_lost_events_total",
    "Emitted events that did not reach user space, by reason: ring_full (the ring of the CPU had no room), no_ring (the CPU came online without a ring of its own, and the spare ring was full).",
    LOSS_REASONS.map(
      (reason) => [{ reason }, counters.lost_by_reason[reason] + (page_faults?.lost_by_reason[reason] ?? 0)] as const,
    ),
  );
  text.counter(
    "linnix_cpu_lost_events_total",
    "Emitted events that did not reach user space, by CPU.",
    lostByCpu(counters.lost_by_cpu, ringCpus),
  );
  text.counter(
    "linnix_output_lost_events_total",
    "Lines that were not written to the output, because the disk is full or does not respond, or the reader is stuck or gone.",
    unwritten.lines,
  );
  text.counter(
    "linnix_lost_samples_total",
    `Samples that were not emitted, by reason: ${SAMPLE_LOSS_NAMES.map((reason) => `${reason} (${SAMPLE_LOSSES[reason]})`).join(", ")}.`,
    SAMPLE_LOSS_NAMES.map((reason) => [{ reason }, samples[reason]] as const),
  );
  text.counter(
    "linnix_threads_not_summed_total",
    "Threads whose CPU time is missing from a sample because their process has too many threads. Each scan counts such a thread again.",
    samples.threads_not_summed,
  );
  text.counter("linnix_threads_started_total", "Threads that started.", threads.started);
  text.counter("linnix_threads_exited_total", "Threads that ended.", threads.exited);
  text.counter(
    "linnix_unexplained_forks_total",
    "Processes and threads that the kernel created and linnix did not see. linnix compares its counts with /proc/stat once a minute.",
    unexplained_forks,
  );
  text.counter(
    "linnix_out_of_order_events_total",
    "Events that linnix delivered after an event with a later time.",
    outOfOrder,
  );
  text.counter("linnix_wakeups_total", "How often a ring that reached its watermark woke the collector.", wakeups);
}

function storms(text: MetricsText, { storms: { begun, active, rate } }: Facts): void {
  text.counter(
    "linnix_storms_total",
    "Storms: how often linnix began to count the events of a source instead of sending them.",
    begun,
  );
  text.gauge("linnix_storms_active", "Sources whose events are counted instead of sent.", active);
  text.gauge(
    "linnix_storm_rate_limit",
    "Storm rate, in events per second. linnix counts the events of a faster source instead of sending them; 0: no limit.",
    rate,
  );
}

/** Includes CPUs that have lost nothing, so that Prometheus sees the first loss as an increase. */
function lostByCpu(losses: Counters["lost_by_cpu"], ringCpus: readonly number[]) {
  const lost = new Map(ringCpus.map((cpu) => [cpu, 0]));
  for (const of of losses) lost.set(of.cpu, of.lost);
  return [...lost].sort(([a], [b]) => a - b).map(([cpu, count]) => [{ cpu }, count] as const);
}

function processes(text: MetricsText, facts: Facts): void {
  text.gauge("linnix_processes", "Processes in the process table, live or exited.", [
    [{ state: "live" }, facts.live],
    [{ state: "exited" }, facts.lingering],
  ]);
  text.counter(
    "linnix_lost_exits_total",
    "Exits that linnix did not receive. A scan, or a new process with the same pid, showed that the process had ended.",
    facts.lostExits,
  );
  text.gauge("linnix_process_table_bytes", "Memory of the process table.", facts.tableBytes);
  text.gauge(
    "linnix_sampling_interval_seconds",
    "Time between two scans that sample all processes; 0: off.",
    (facts.sampling?.intervalMs ?? 0) / 1000,
  );
  const { caches } = facts;
  text.counter(
    "linnix_cache_requests_total",
    "Lookups in a cache of names, by result.",
    caches.flatMap(({ name, hits, misses }) => [
      [{ cache: name, result: "hit" }, hits] as const,
      [{ cache: name, result: "miss" }, misses] as const,
    ]),
  );
  text.counter(
    "linnix_cache_evictions_total",
    "Entries that a full cache dropped.",
    caches.map(({ name, evictions }) => [{ cache: name }, evictions] as const),
  );
  text.gauge(
    "linnix_cache_entries",
    "Entries of a cache.",
    caches.map(({ name, entries }) => [{ cache: name }, entries] as const),
  );
  text.counter(
    "linnix_lost_cgroup_moves_total",
    "Moves of processes between v1 cgroups that were not read in time. The cgroup of such a process can be wrong.",
    facts.lostMoves,
  );
}

function cost(text: MetricsText, facts: Facts): void {
  const { userCpuS, systemCpuS, inKernelCpuS, budget } = facts;
  text.counter(
    "linnix_cpu_seconds_total",
    "CPU time of linnix: its process in user and system mode (process), and its BPF programs (kernel, an estimate).",
    [
      [{ part: "process" }, userCpuS + systemCpuS] as const,
      ...(inKernelCpuS === null ? [] : [[{ part: "kernel" }, inKernelCpuS] as const]),
    ],
  );
  text.gauge(
    "linnix_budget_level",
    "Level of the CPU budget. 0: no reduction; 1: fewer samples; 2: no samples; 3: also a lower storm rate; 4: one event per process; 5: totals only.",
    budget?.level ?? 0,
  );
  text.gauge("linnix_budget_cost_ratio", "Cost of collecting, as a share of one core.", ratio(budget?.costPct ?? null));
  text.gauge(
    "linnix_budget_limit_ratio",
    "Limit for the cost of collecting, as a share of one core.",
    ratio(budget?.budgetPct ?? null),
  );
}

function api(text: MetricsText, facts: Facts, stream: EventStream, requests: RequestCounts): void {
  text.counter("linnix_api_requests_total", "Requests that were answered, by status code.", requests.byCode());
  text.counter(
    "linnix_api_cpu_seconds_total",
    "CPU time for answering requests, except for sending live events. It does not count towards the CPU budget of the collector.",
    facts.answeringCpuS,
  );
  text.gauge("linnix_api_clients", "Clients of live events.", stream.clients);
  text.gauge(
    "linnix_api_clients_limit",
    "Maximum number of clients of live events at the same time.",
    stream.maxClients,
  );
  text.counter(
    "linnix_api_refused_clients_total",
    "Clients of live events that were refused because of the limit.",
    stream.refused,
  );
  text.counter("linnix_sse_sent_events_total", "Events sent to clients of live events.", stream.totals.sent);
  text.counter(
    "linnix_sse_missed_events_total",
    "Events that clients missed because they were slow, or because redaction was switched on. Gap events report the number to each client.",
    stream.totals.missed,
  );
  text.gauge("linnix_sse_history_events", "Events kept for clients that reconnect.", stream.history.events);
  text.gauge("linnix_sse_history_bytes", "Memory of the events kept for clients that reconnect.", stream.history.bytes);
}

/** https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics */
function processMetrics(text: MetricsText, { userCpuS, systemCpuS, startedMs }: Facts): void {
  const memory = readOwnMemory();
  text.gauge(
    "linnix_anonymous_memory_bytes",
    "Resident memory of the process that is not backed by a file.",
    memory.anonBytes,
  );
  text.counter("process_cpu_seconds_total", "User and system CPU time of the process.", userCpuS + systemCpuS);
  text.gauge("process_resident_memory_bytes", "Resident memory size.", memory.rssBytes);
  text.gauge("process_virtual_memory_bytes", "Virtual memory size.", memory.virtualBytes);
  text.gauge("process_start_time_seconds", "Start of the process, in seconds since the Unix epoch.", startedMs / 1000);
  text.gauge("process_open_fds", "Open file descriptors.", countOpenFds());
  const maxFds = maxOpenFiles();
  text.gauge("process_max_fds", "Maximum number of open file descriptors.", Number.isFinite(maxFds) ? maxFds : null);
}

/** Rings, output and configuration. */
function deliveryMetrics(text: MetricsText, { rings, writtenBytes, reload }: Facts): void {
  text.gauge(
    "linnix_ring_peak_fill_ratio",
    "Highest fill level of a ring when linnix read the ring, in the last 30 to 60 seconds.",
    rings.peakFill,
  );
  text.gauge(
    "linnix_delivery_peak_delay_seconds",
    "Longest time from an event until linnix read it from the ring, in the last 30 to 60 seconds.",
    rings.peakDelayS,
  );
  text.counter("linnix_output_written_bytes_total", "Bytes written to the output.", writtenBytes);
  text.gauge(
    "linnix_config_last_reload_successful",
    "Whether the last reload of the configuration succeeded; 1 before the first reload.",
    reload.isGood ? 1 : 0,
  );
  text.gauge(
    "linnix_config_last_reload_success_timestamp_seconds",
    "Time of the last successful read of the configuration, in seconds since the Unix epoch.",
    reload.lastGoodMs / 1000,
  );
}

/** Connections of the API. */
function connectionMetrics(text: MetricsText, connections: ConnectionLimit | undefined): void {
  if (!connections) return;
  text.gauge("linnix_api_connections", "Open connections, including idle ones and event streams.", connections.count);
  text.gauge(
    "linnix_api_accept_paused",
    "Whether new connections wait because too many are open, or because answering exceeds its CPU budget.",
    connections.isPaused ? 1 : 0,
  );
  text.counter(
    "linnix_api_closed_connections_total",
    "Idle connections that linnix closed, by the limit that was exceeded.",
    Object.entries(connections.closed).map(([reason, count]) => [{ reason }, count] as const),
  );
}
