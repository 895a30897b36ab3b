import type { Auto, Section } from "../section.ts";
import { choice, pathOrStdout } from "../values.ts";

export type OutputFormat = "pretty" | "jsonl" | "none";

export interface OutputSettings {
  format: Auto<OutputFormat>;
  /** Path of the file to which linnix writes events; null is stdout. */
  file: string | null;
}

export const output: Section<OutputSettings> = {
  name: "output",
  title: "Output",
  keys: {
    format: {
      toml: "format",
      flag: "format",
      hint: "FORMAT",
      type: choice(["auto", "pretty", "jsonl", "none"]),
      default: "auto",
      doc: "event format: pretty, jsonl, none or auto",
      details: ["auto: pretty on a terminal, jsonl into a pipe or a file. none: no events, only their counts."],
    },
    file: {
      toml: "file",
      flag: "output",
      hint: "FILE",
      type: pathOrStdout,
      default: null,
      doc: "file for the events; - is stdout",
      example: "/var/log/linnix.jsonl",
    },
  },
};
