import type { Section } from "../section.ts";
import { boolean, durationMs, integer } from "../values.ts";

export interface MetricsSettings {
  /** Whether linnix counts by unit and container, for /metrics and /groups. Needs `api.listen`. */
  groups: boolean;
  /** Maximum number of groups at the same time. */
  maxGroups: number;
  /** Whether units and containers are divided by process name as well. */
  byComm: boolean;
  /** How long a group stays after its last process has ended, ms. */
  groupGraceMs: number;
}

export const metrics: Section<MetricsSettings> = {
  name: "metrics",
  title: "Metrics of the workload, by unit and container",
  keys: {
    groups: {
      toml: "groups",
      flag: "metrics-groups",
      hint: "BOOL",
      type: boolean,
      default: true,
      doc: "count by unit and container, for /metrics and /groups; needs --listen",
      rare: true,
    },
    maxGroups: {
      toml: "max_groups",
      flag: "metrics-max-groups",
      hint: "NUMBER",
      type: integer({ min: 4, max: 10_000, name: "a number of groups" }),
      default: 100,
      doc: "maximum number of groups at the same time; all further groups count as unit other",
      rare: true,
      details: ["A group has up to 25 series. The groups of one user's sessions are at most a quarter of max_groups."],
    },
    byComm: {
      toml: "by_comm",
      flag: "metrics-by-comm",
      hint: "BOOL",
      type: boolean,
      default: false,
      doc: "divide units and containers by process name as well",
      rare: true,
    },
    groupGraceMs: {
      toml: "group_grace",
      flag: "metrics-group-grace",
      hint: "DURATION",
      type: durationMs({ min: "1s", max: "24h", example: "5m" }),
      default: 300_000,
      doc: "how long a group stays after its last process has ended",
      rare: true,
      details: [
        "Choose more than the time between two scrapes, so that a scrape reads the last figures of each group.",
      ],
    },
  },
};
