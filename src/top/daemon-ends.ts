import type { DetailLevel } from "../wire/detail-level.ts";
import type * as answers from "./daemon-answers.ts";
import { placeOf } from "./daemon-row.ts";
import type { Ended } from "./ended.ts";
import { groupName } from "./model.ts";

export type EndType = "exit" | "process";

/** Which events report the ends of processes, by level of detail. */
export const END_TYPES: { readonly [level in DetailLevel]: EndType | undefined } = {
  events: "exit",
  processes: "process",
  summary: undefined,
};

/** The end of a process, from its event. */
export function endedOf({ comm, cpu_user_ns, cpu_system_ns, peak_rss_bytes, ...place }: answers.Exit): Ended {
  return {
    comm,
    group: groupName(placeOf(place)),
    cpuNs: cpu_user_ns === null || cpu_system_ns === null ? null : cpu_user_ns + cpu_system_ns,
    peakRssBytes: peak_rss_bytes,
  };
}
