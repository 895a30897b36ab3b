import type { Section } from "../section.ts";
import { durationMs } from "../values.ts";

export interface RetentionSettings {
  /** How long an exited process stays in the table, ms. */
  lingerMs: number;
}

export const retention: Section<RetentionSettings> = {
  name: "retention",
  title: "Retention",
  keys: {
    lingerMs: {
      toml: "linger",
      flag: "linger",
      hint: "DURATION",
      type: durationMs({ min: 0, max: "24h", example: "30s" }),
      default: 30_000,
      doc: "how long an exited process stays in the table; at most the latest 3072 stay",
      rare: true,
    },
  },
};
