import * as z from "zod/mini";
import { nearest } from "./nearest.ts";
import { patternRefusal } from "./patterns.ts";
import type { CgroupRef } from "./sections/filters.ts";
import {
  formatDurationMs,
  formatDurationNs,
  formatPercent,
  formatSizeBytes,
  readDurationNs,
  readPercent,
  readSizeBytes,
} from "./units.ts";

// Nothing that a root process runs should be code made at run time, and one check a start gains nothing from it.
z.config({ jitless: true });

/** What a TOML file can hold for a setting. */
export type TomlValue = string | number | boolean | readonly (string | number)[];

/** The type of a setting: how it is written in TOML and as text, and what a right one is. */
export interface ValueType<T> {
  /** Completes "expected …": what a right value is, with an example. */
  readonly expected: string;
  /** The same of one value of a list. */
  readonly itemExpected?: string;
  /** From what TOML gives to what the program uses; the message of a custom issue completes "the value …". */
  schema(): z.ZodMiniType<T>;
  /** From one word of the command line or the environment to what TOML would give. */
  fromText(text: string): unknown;
  toToml(value: NonNullable<T>): TomlValue;
  /** Takes several values: by commas or by repetition of the option. */
  readonly list: boolean;
  /** False where a comma is a part of a list's value: only repetition gives several then. */
  readonly commas?: boolean;
  /** The option may stand without a value, which means true. */
  readonly switch?: boolean;
  /** All the words that it can be, where they are few. */
  readonly choices?: readonly string[];
}

/**
 * No bigint: the parser wraps an integer that needs more than 64 bits round to one that means something else, and
 * hands over as bigint all that may be such.
 */
const TEXT_OR_NUMBER = once(() => z.union([z.string(), z.number()]));
const TEXT = once(() => z.string());
const TEXT_OR_BOOLEAN = once(() => z.union([z.string(), z.boolean()]));

/** Made when it is first asked for: most settings are never given, and all their schemas together cost 3 MB. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** A transform that may refuse: `read` returns the value, or a {@link Refusal}. */
function scalar<T>(options: {
  expected: string;
  input: () => z.ZodMiniType<string | number | boolean>;
  read(value: string | number | boolean): T | Refusal;
  toToml(value: NonNullable<T>): TomlValue;
  fromText?(text: string): unknown;
  choices?: readonly string[];
}): ValueType<T> {
  const schema = once(
    () =>
      z.pipe(
        options.input(),
        z.transform((value: string | number | boolean, context) => {
          const result = options.read(value);
          if (result instanceof Refusal) {
            context.issues.push({ code: "custom", message: result.why, input: value });
            return z.NEVER;
          }
          return result;
        }),
      ) as unknown as z.ZodMiniType<T>,
  );
  const { expected, toToml, fromText = (text: string) => text, choices } = options;
  return { expected, schema, toToml, fromText, list: false, ...(choices && { choices }) };
}

/** Why a value of the right TOML type is still not one that can be used. */
class Refusal {
  constructor(readonly why: string) {}
}

/** One of a few words. */
export function choice<const T extends string>(choices: readonly T[]): ValueType<T> {
  return scalar<T>({
    expected: `one of ${choices.join(", ")}`,
    input: TEXT,
    read: (value) => choices.find((word) => word === value) ?? new Refusal("none of the choices"),
    toToml: (value) => value,
    choices,
  });
}

/** `true` or `false`; on the command line the option alone means true. */
export const boolean: ValueType<boolean> = {
  ...scalar<boolean>({
    expected: "true or false",
    input: TEXT_OR_BOOLEAN,
    read: (value) => (typeof value === "boolean" ? value : new Refusal("neither true nor false")),
    fromText: (text) => (text === "true" ? true : text === "false" ? false : text),
    toToml: (value) => value,
  }),
  switch: true,
};

/** A whole number, also as text; `name` says what it is of. */
export function integer(options: { min: number; max: number; name: string }): ValueType<number> {
  const { min, max, name } = options;
  return scalar<number>({
    expected: `${name} from ${min} to ${max}`,
    input: TEXT_OR_NUMBER,
    read: (value) =>
      (typeof value === "number" ? within(value, min, max, String) : null) ?? new Refusal("not a whole number"),
    fromText: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : text),
    toToml: (value) => value,
  });
}

/** Bytes. */
export function size(options: { min: number; max: number; example: number; powerOfTwo?: true }): ValueType<number> {
  const { min, max, example, powerOfTwo } = options;
  const what = powerOfTwo ? "a power of two" : "a size";
  return scalar<number>({
    expected: `${what} from ${formatSizeBytes(min)} to ${formatSizeBytes(max)}, such as ${formatSizeBytes(example)}`,
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const bytes = typeof value === "string" ? readSizeBytes(value) : Number(value);
      const result = bytes === null ? null : within(bytes, min, max, formatSizeBytes);
      if (powerOfTwo && typeof result === "number" && !Number.isInteger(Math.log2(result))) {
        return new Refusal("not a power of two");
      }
      return result ?? new Refusal("not a size");
    },
    toToml: formatSizeBytes,
  });
}

/** Percent: 1 for `1%`. */
export function percent(options: { min: number; max: number; example: number }): ValueType<number> {
  const { min, max, example } = options;
  return scalar<number>({
    expected: `a percentage from ${min} to ${max}, such as ${example} or ${formatPercent(example)}`,
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const pct = typeof value === "string" ? readPercent(value) : Number(value);
      return pct === null || !Number.isFinite(pct)
        ? new Refusal("not a percentage")
        : (refusalOutside(pct, min, max, formatPercent) ?? pct);
    },
    toToml: formatPercent,
  });
}

interface DurationOptions {
  min: string | 0;
  /** Whether 0 is taken too, below a `min` that is more. */
  orZero?: true;
  max: string;
  example: string;
}

/** Nanoseconds. */
export function durationNs(options: DurationOptions): ValueType<number> {
  return duration(options, 1, formatDurationNs);
}

/** Milliseconds. */
export function durationMs(options: DurationOptions): ValueType<number> {
  return duration(options, 1e6, formatDurationMs);
}

function duration(options: DurationOptions, nsPerUnit: number, format: (value: number) => string): ValueType<number> {
  const min = readDurationNs(String(options.min)) ?? 0;
  const max = readDurationNs(options.max) ?? Number.MAX_SAFE_INTEGER;
  const range = `from ${options.min} to ${options.max}`;
  return scalar<number>({
    expected: `${options.orZero ? "0, or " : ""}a duration ${range}, such as ${options.example}`,
    // A bare number would leave the unit to guessing; 0 needs none.
    input: TEXT_OR_NUMBER,
    read: (value) => {
      const ns = readDurationNs(String(value));
      if (ns === null) {
        const bare = /^\d+(\.\d+)?$/.test(String(value));
        return new Refusal(bare ? "has no unit" : "not a duration");
      }
      if (ns === 0 && options.orZero) {
        return 0;
      }
      const bounded = within(ns, min, max, formatDurationNs) ?? new Refusal("not a duration");
      return bounded instanceof Refusal ? bounded : bounded / nsPerUnit;
    },
    toToml: format,
  });
}

/** `auto`, or what `type` takes. */
export function autoOr<T>(type: ValueType<T>): ValueType<T | "auto"> {
  const isAuto = (value: unknown): value is "auto" => value === "auto";
  return {
    ...type,
    expected: `auto, or ${type.expected}`,
    schema: once(
      () =>
        z.pipe(
          z.unknown(),
          z.transform((value, context) => {
            if (isAuto(value)) {
              return value;
            }
            const result = type.schema().safeParse(value);
            if (!result.success) {
              context.issues.push(...(result.error.issues as unknown as typeof context.issues));
              return z.NEVER;
            }
            return result.data;
          }),
        ) as unknown as z.ZodMiniType<T | "auto">,
    ),
    toToml: (value) => (isAuto(value) ? value : type.toToml(value as NonNullable<T>)),
  };
}

/** Several of `type`, no repetition; `order` puts them into that of the list given. */
export function listOf<T>(
  type: ValueType<T>,
  options: { min?: number; max: number; order?: readonly T[]; commas?: false },
): ValueType<T[]> {
  const { min = 0, max, order, commas = true } = options;
  return {
    expected: `a list of ${min} to ${max} values, each ${type.expected}`,
    itemExpected: type.expected,
    schema: once(
      () =>
        z.pipe(
          z
            .array(type.schema())
            .check(z.minLength(min, "an empty list"), z.maxLength(max, `has more than ${max} values`)),
          z.transform((values: T[]) => {
            const different = [...new Set(values)];
            return order ? order.filter((value) => different.includes(value)) : different;
          }),
        ) as unknown as z.ZodMiniType<T[]>,
    ),
    fromText: type.fromText,
    toToml: (values) => values.map((value) => type.toToml(value as NonNullable<T>) as string | number),
    list: true,
    commas,
    ...(type.choices && { choices: type.choices }),
  };
}

/** The kernel's comm: TASK_COMM_LEN is 16 with its terminating NUL. */
export const comm: ValueType<string> = scalar<string>({
  expected: "a process name of 1 to 15 bytes, such as nginx",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > 15) {
      return new Refusal(`${bytes} bytes long`);
    }
    return bytes === 0 ? new Refusal("empty") : (textRefusal(text) ?? text);
  },
  toToml: (value) => value,
});

export const cgroup: ValueType<CgroupRef | null> = scalar<CgroupRef | null>({
  expected: "a path in the cgroup v2 hierarchy, such as /system.slice/cron.service, or a cgroup id, such as 4242",
  input: TEXT_OR_NUMBER,
  read: (value) => {
    const text = String(value);
    if (/^\d{1,20}$/.test(text)) {
      const id = BigInt(text);
      return id > 0n && id < 1n << 64n ? { id } : new Refusal("not a cgroup id");
    }
    if (!text.startsWith("/")) {
      return new Refusal("neither an absolute path nor a number");
    }
    if (text.split("/").some((part) => part === ".." || part === ".")) {
      return new Refusal("has . or .. in it");
    }
    return textRefusal(text) ?? { path: text };
  },
  toToml: (ref) => ("id" in ref ? String(ref.id) : ref.path),
});

/** A path; `-` is stdout, and null. */
export const pathOrStdout: ValueType<string | null> = scalar<string | null>({
  expected: "the path of a file, or - for stdout",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    return text === "-" ? null : readPath(text);
  },
  toToml: (value) => value,
});

/** The path of a file; null is what stands for none. */
export const optionalPath: ValueType<string | null> = scalar<string | null>({
  expected: "the path of a file",
  input: TEXT,
  read: (value) => readPath(String(value)),
  toToml: (value) => value,
});

function readPath(text: string): string | Refusal {
  return text === "" ? new Refusal("empty") : text.includes("\0") ? new Refusal("has a NUL in it") : text;
}

/** `struct sockaddr_un` of unix(7): 108 bytes for the path and its terminating NUL. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Where a server listens; `off` is nowhere, and null. A host is a number or `localhost`: names are not looked up. */
export const listenAddress: ValueType<string | null> = scalar<string | null>({
  expected: "HOST:PORT with the host as a number, such as 127.0.0.1:3000 or [::1]:3000, or unix:/PATH, or off",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    if (text === "off") {
      return null;
    }
    return text.startsWith("unix:") ? readSocketPath(text) : readHostPort(text);
  },
  toToml: (value) => value,
});

function readSocketPath(text: string): string | Refusal {
  const path = text.slice("unix:".length);
  if (!path.startsWith("/") || path.endsWith("/")) {
    return new Refusal("not the absolute path of a socket");
  }
  return Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES
    ? new Refusal(`the path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes`)
    : (textRefusal(path) ?? text);
}

function readHostPort(text: string): string | Refusal {
  const [, v6, host, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined) {
    return new Refusal(isIpv4(text) ? "has no port" : "not HOST:PORT");
  }
  if (v6 === undefined ? !isIpv4(host ?? "") && host !== "localhost" : !URL.canParse(`http://[${v6}]`)) {
    return new Refusal("the host is no address");
  }
  return Number(port) > 65_535 ? new Refusal("no port is more than 65535") : text;
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** An origin as browsers send it: RFC 6454, section 6.1. */
export const origin: ValueType<string> = scalar<string>({
  expected: "an origin as a browser sends it, such as https://dash.example or http://localhost:8080",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const url = /^https?:\/\//.test(text) ? URL.parse(text) : null;
    if (url === null) {
      return new Refusal(text === "*" ? "every page of the web is too many: name each" : "not an origin");
    }
    return url.origin === text ? text : new Refusal(`browsers write it ${url.origin}`);
  },
  toToml: (value) => value,
});

/** A regular expression as `src/regexp/syntax.ts` has it: one that cannot take for ever, whatever it looks at. */
export const pattern: ValueType<string> = scalar<string>({
  expected: "a regular expression of RE2, such as token=(\\S+)",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    const why = patternRefusal(text);
    return why === null ? text : new Refusal(why);
  },
  toToml: (value) => value,
});

export const userName: ValueType<string | null> = scalar<string | null>({
  expected: "the name of an account, such as nobody",
  input: TEXT,
  read: (value) => {
    const text = String(value);
    if (text === "") {
      return new Refusal("empty");
    }
    return /^[^\s:,/]{1,256}$/u.test(text) ? (textRefusal(text) ?? text) : new Refusal("not an account name");
  },
  toToml: (value) => value,
});

/** The value where it is whole and within bounds, a refusal where it is not within them, null where it is no whole number. */
function within(value: number, min: number, max: number, format: (value: number) => string): number | Refusal | null {
  return Number.isInteger(value) ? (refusalOutside(value, min, max, format) ?? value) : null;
}

function refusalOutside(value: number, min: number, max: number, format: (value: number) => string): Refusal | null {
  if (value < min) {
    return new Refusal(`less than ${format(min)}`);
  }
  return value > max ? new Refusal(`more than ${format(max)}`) : null;
}

/** Refuses what the kernel or a terminal could take for something else than it looks. */
function textRefusal(text: string): Refusal | null {
  // U+FFFD is what an argument that is not UTF-8 has become by the time it gets here: it would match nothing.
  if (text.includes("\ufffd")) {
    return new Refusal("not UTF-8");
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u001f\u007f]/.test(text) ? new Refusal("has control characters in it") : null;
}

/** What is wrong with a value, as a clause: from the issue that its schema raised. */
export function problemOf(issue: z.core.$ZodIssue, value: unknown): string {
  // Lengths of a list are checked even where it is none.
  const isLength = (issue.code === "too_small" || issue.code === "too_big") && Array.isArray(value);
  return issue.code === "custom" || isLength ? issue.message : typeName(value);
}

/**
 * What was expected instead of a value, as a sentence: the nearest choice first.
 * @param ofItem whether the value is one of a list
 */
export function expectation(type: ValueType<unknown>, value: unknown, ofItem: boolean): string {
  const near = typeof value === "string" && ofItem === type.list ? nearest(value, type.choices ?? []) : null;
  const expected = (ofItem ? type.itemExpected : undefined) ?? type.expected;
  return `${near === null ? "" : `did you mean ${near}? `}expected ${expected}`;
}

/** `a boolean`, `a table`: the TOML type of a value. */
export function typeName(value: unknown): string {
  if (typeof value === "bigint") {
    return "a number too big";
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return "not a finite number";
  }
  if (value instanceof Date) {
    return "a date or time";
  }
  if (Array.isArray(value)) {
    return "a list";
  }
  return typeof value === "object" ? "a table" : `a ${typeof value}`;
}
