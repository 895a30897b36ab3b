import { DETAIL_LEVELS, type DetailLevel } from "../../wire/detail-level.ts";
import type { Section } from "../section.ts";
import { boolean, choice, durationMs, listOf, size } from "../values.ts";

export type EventType = "fork" | "exec" | "exit";
export type BackendChoice = "auto" | "btf" | "tracepoint";

export interface ProbesSettings {
  /** At least one, no repetition, in the order fork, exec, exit. */
  events: EventType[];
  detail: DetailLevel;
  /** Time between two reports of totals, ms. */
  summaryIntervalMs: number;
  backend: BackendChoice;
  /** Maximum number of bytes of arguments in an exec record. The path of the executable does not count. */
  maxArgsBytes: number;
  /** Whether page faults are reported, at most ten a second for each process. */
  pageFaults: boolean;
}

export const EVENT_TYPES: readonly EventType[] = ["fork", "exec", "exit"];

/** MAX_ARGS_BYTES of bpf/process.h. */
export const MAX_ARGS_BYTES = 15360;

export const probes: Section<ProbesSettings> = {
  name: "probes",
  title: "Probes",
  keys: {
    events: {
      toml: "events",
      flag: "events",
      hint: "LIST",
      type: listOf(choice(EVENT_TYPES), { min: 1, max: EVENT_TYPES.length, order: EVENT_TYPES }),
      default: [...EVENT_TYPES],
      doc: "event types: fork, exec, exit",
    },
    detail: {
      toml: "detail",
      flag: "detail",
      hint: "LEVEL",
      type: choice(DETAIL_LEVELS),
      default: "events",
      doc: "report events, processes or summary",
      details: [
        "events: a line for each fork, exec and exit. processes: a line for each process, at its end.",
        "summary: a line of totals for each group and interval. A group is the processes of one cgroup with one name.",
      ],
    },
    summaryIntervalMs: {
      toml: "summary_interval",
      flag: "summary-interval",
      hint: "DURATION",
      type: durationMs({ min: "100ms", max: "1h", example: "10s" }),
      default: 10_000,
      doc: "how often --detail summary reports totals",
      rare: true,
    },
    backend: {
      toml: "backend",
      flag: "backend",
      hint: "BACKEND",
      type: choice(["auto", "btf", "tracepoint"]),
      default: "auto",
      doc: "how to hook into the kernel: auto, btf or tracepoint",
      rare: true,
      details: ["auto: btf if the kernel has BTF, else tracepoint, which has fewer fields."],
    },
    maxArgsBytes: {
      toml: "max_args",
      flag: "max-args",
      hint: "BYTES",
      type: size({ min: 0, max: MAX_ARGS_BYTES, example: 2048 }),
      default: 2048,
      doc: "maximum number of bytes of arguments read at an exec",
      rare: true,
      details: ["Longer arguments are cut, and args_truncated is true. The path of the executable does not count."],
    },
    pageFaults: {
      toml: "page_faults",
      flag: "page-faults",
      hint: "BOOL",
      type: boolean,
      default: false,
      doc: "also report page faults, at most ten a second for each process",
      rare: true,
      details: ["Page faults are frequent: overhead-test measures what this costs."],
    },
  },
};
