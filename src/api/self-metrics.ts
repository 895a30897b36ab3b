/** Metrics of how linnix itself is doing, by the conventions for a process and for a program with a configuration. */

import { maxOpenFiles } from "../sys/open-files.ts";
import type { MetricsText } from "./metrics-text.ts";
import { countOpenFds, readOwnMemory } from "./own-memory.ts";
import type { ApiContext } from "./route.ts";
import type { Facts } from "./source.ts";

/** https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics */
export function processMetrics(text: MetricsText, { userCpuS, systemCpuS, startedMs }: Facts): void {
  const memory = readOwnMemory();
  text.gauge("linnix_anonymous_memory_bytes", "Resident memory that belongs to no file.", memory.anonBytes);
  text.counter("process_cpu_seconds_total", "Processor time of the process, user and system.", userCpuS + systemCpuS);
  text.gauge("process_resident_memory_bytes", "Resident memory size.", memory.rssBytes);
  text.gauge("process_virtual_memory_bytes", "Virtual memory size.", memory.virtualBytes);
  text.gauge("process_start_time_seconds", "Start of the process since the Unix epoch.", startedMs / 1000);
  text.gauge("process_open_fds", "Open file descriptors.", countOpenFds());
  const maxFds = maxOpenFiles();
  text.gauge("process_max_fds", "Most file descriptors that may be open.", Number.isFinite(maxFds) ? maxFds : null);
}

/** The way of the events, and the configuration. */
export function deliveryMetrics(text: MetricsText, { rings, writtenBytes, reload }: Facts): void {
  text.gauge(
    "linnix_ring_peak_fill_ratio",
    "Highest fill of any ring when it was emptied, in the last half minute to minute.",
    rings.peakFill,
  );
  text.gauge(
    "linnix_delivery_peak_delay_seconds",
    "Longest time from an event in the kernel to its delivery, in the last half minute to minute.",
    rings.peakDelayS,
  );
  text.counter("linnix_output_written_bytes_total", "Bytes that were written to the output.", writtenBytes);
  text.gauge(
    "linnix_config_last_reload_successful",
    "Whether the last reload of the configuration, or else the start, succeeded.",
    reload.isGood ? 1 : 0,
  );
  text.gauge(
    "linnix_config_last_reload_success_timestamp_seconds",
    "Last time that the configuration was read without error, since the Unix epoch.",
    reload.lastGoodMs / 1000,
  );
}

/** Connections of the API. */
export function connectionMetrics(text: MetricsText, connections: ReturnType<ApiContext["connections"]>): void {
  if (!connections) return;
  text.gauge("linnix_api_connections", "Open connections, idle ones and event streams included.", connections.count);
  text.gauge(
    "linnix_api_accept_paused",
    "Whether new connections wait because too many are in use, or answering takes too much.",
    connections.isPaused ? 1 : 0,
  );
  text.counter(
    "linnix_api_closed_connections_total",
    "Idle connections that were closed to make room, by the limit that was reached.",
    Object.entries(connections.closed).map(([reason, count]) => [{ reason }, count] as const),
  );
}
