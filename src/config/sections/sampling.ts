import type { Section } from "../section.ts";
import { durationMs, size } from "../values.ts";

export interface SamplingSettings {
  /** Time between two scans of all processes, ms; 0: none. */
  intervalMs: number;
  /** A process that did not run is sampled again only if its RSS has changed by more than this, bytes. */
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
      doc: "how often to sample CPU and memory; 0: never",
    },
    rssThresholdBytes: {
      toml: "rss_threshold",
      flag: "rss-threshold",
      hint: "SIZE",
      type: size({ min: 0, max: 1024 * 1024 * 1024, example: 1024 * 1024 }),
      default: 1024 * 1024,
      doc: "sample an idle process when its memory changes by more than this",
      rare: true,
      details: ["A process that ran is always sampled."],
    },
  },
};
