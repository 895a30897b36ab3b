import type { Section } from "../section.ts";
import { durationMs, size } from "../values.ts";

export interface SamplingSettings {
  /** Time between two sweeps over all processes, ms; 0: none. */
  intervalMs: number;
  /** A process that did not run is told of again when its RSS has moved by more than this, bytes. */
  rssThresholdBytes: number;
}

export const sampling: Section<SamplingSettings> = {
  name: "sampling",
  title: "Sampling of CPU and memory of every process",
  keys: {
    intervalMs: {
      toml: "interval",
      flag: "sample-interval",
      hint: "DURATION",
      type: durationMs({ min: "10ms", orZero: true, max: "1h", example: "1s" }),
      default: 1000,
      doc: "how often CPU and memory of every process are looked at; 0: never",
    },
    rssThresholdBytes: {
      toml: "rss_threshold",
      flag: "rss-threshold",
      hint: "SIZE",
      type: size({ min: 0, max: 1024 * 1024 * 1024, example: 1024 * 1024 }),
      default: 1024 * 1024,
      doc: "by how much the memory of an idle process must move to be told of",
      details: ["A process that ran is told of in any case."],
    },
  },
};
