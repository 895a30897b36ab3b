import { readFileSync } from "node:fs";
import { hostname, release } from "node:os";
import type { CollectConfig } from "../config/schema.ts";
import { WallClock } from "../json/wall-clock.ts";
import type { Backend } from "../probes/backend.ts";
import { exactBoottimeNs, realtimeOffsetNs } from "../sys/clock.ts";
import { VERSION } from "../version.ts";
import type { StartEvent } from "../wire/event.ts";

/** The first line of an output: version, machine, backend and filters in force when this is called. */
export function startEvent({ name, missingFields }: Backend, { probes, filters }: CollectConfig): StartEvent {
  const { pids, uids, comms, cgroup, minDurationNs } = filters;
  const ts_ns = exactBoottimeNs();
  return {
    type: "start",
    time: new WallClock(realtimeOffsetNs()).textAt(ts_ns),
    ts_ns,
    schema: "linnix.events/1",
    version: VERSION,
    hostname: hostname(),
    boot_id: bootId(),
    kernel: release(),
    backend: name,
    detail: probes.detail,
    filters: {
      events: probes.events,
      pids,
      uids,
      comms,
      cgroup: cgroup && ("path" in cgroup ? cgroup.path : cgroup.id),
      min_duration_ns: minDurationNs,
    },
    missing_fields: [...missingFields],
  };
}

function bootId(): string | null {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return null;
  }
}
