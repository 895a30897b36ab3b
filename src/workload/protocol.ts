import { z } from "zod";
import { PROGRAMS } from "./programs.ts";
import type { EndReason } from "./spawn-loop.ts";
import { COLUMN_NAMES, type ColumnName, type ColumnRows } from "./truth-columns.ts";

/*
 * The spawner process reads command lines and writes JSON lines. It writes
 * `ready` once everything is prepared. After the run it writes all rows in lines
 * of type `rows`, then one `result`. It may write an `error` instead of any line.
 */

/** Commands to the spawner, one per line. The end of the input aborts the run immediately. */
export const COMMAND = { start: "start", stop: "stop" } as const;

/** Rows in one line: about 200 KB of text. */
export const ROWS_PER_LINE = 2048;

/** Times that may exceed 2^53 ns are written as decimal text. */
const bigNs = z.string().regex(/^\d+$/).transform(BigInt);

const ready = z.object({
  type: z.literal("ready"),
  spawnerPid: z.number().int(),
  folder: z.string(),
  run: z.number().int(),
  originNs: bigNs,
  commands: z.array(
    z.object({
      program: z.enum(PROGRAMS),
      path: z.string(),
      lifetimeMs: z.number().nullable(),
      share: z.number(),
    }),
  ),
  leftOut: z.array(z.object({ program: z.enum(PROGRAMS), debianPackage: z.string() })),
});

const rows = z.object({
  type: z.literal("rows"),
  rows: z.custom<ColumnRows>((value) => {
    const columns = value as Record<ColumnName, unknown>;
    return COLUMN_NAMES.every((name) => Array.isArray(columns[name]));
  }),
});

const result = z.object({
  type: z.literal("result"),
  reason: z.enum(["duration", "spawns", "stop", "abort", "errors"]) satisfies z.ZodType<EndReason>,
  startedNs: z.number(),
  endedNs: z.number(),
  skipped: z.number(),
  errors: z.array(z.object({ name: z.string(), count: z.number() })),
  spawnerCpuNs: z.number(),
});

const error = z.object({
  type: z.literal("error"),
  code: z.string(),
  exitCode: z.number(),
  what: z.string(),
  why: z.string().optional(),
  hint: z.string().optional(),
});

const message = z.discriminatedUnion("type", [ready, rows, result, error]);

/** A parsed line of the spawner. */
export type Message = z.infer<typeof message>;
/** A line before it is written as JSON. */
export type MessageText = z.input<typeof message>;
export type ReadyMessage = z.infer<typeof ready>;
export type ResultMessage = z.infer<typeof result>;

/** Reads one line. Throws if it is not a line of the protocol. */
export function parseMessage(line: string): Message {
  return message.parse(JSON.parse(line));
}
