import type { Section } from "../section.ts";
import { durationMs, userName } from "../values.ts";

export interface RunSettings {
  /** Ends the run after this time, ms; 0: runs until it is stopped. */
  durationMs: number;
  /** Account to which linnix switches once all probes are attached; null: linnix does not switch. */
  user: string | null;
}

export const run: Section<RunSettings> = {
  name: "run",
  title: "Run",
  keys: {
    durationMs: {
      toml: "duration",
      flag: "duration",
      hint: "DURATION",
      // A timer of JavaScript lasts at most 2^31 - 1 ms, which is a little more than 24 days.
      type: durationMs({ min: 0, max: "576h", example: "10s" }),
      default: 0,
      doc: "end after this time; 0: run until stopped",
    },
    user: {
      toml: "user",
      flag: "user",
      hint: "NAME",
      type: userName,
      default: null,
      doc: "switch from root to this user once attached",
      example: "linnix",
    },
  },
};
