import type { Section } from "../section.ts";
import { choice } from "../values.ts";

export type LogLevel = "silent" | "error" | "warn" | "info" | "debug";

export const LOG_LEVELS: readonly LogLevel[] = ["silent", "error", "warn", "info", "debug"];

export interface LogSettings {
  level: LogLevel;
}

export const log: Section<LogSettings> = {
  name: "log",
  title: "Log, on stderr",
  keys: {
    level: {
      toml: "level",
      flag: "log-level",
      hint: "LEVEL",
      type: choice(LOG_LEVELS),
      default: "info",
      doc: "log level: silent, error, warn, info or debug",
    },
  },
};
