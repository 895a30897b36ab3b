import { usageError } from "../errors.ts";
import { onlineCpuCount } from "../sys/cpus.ts";
import { checkTogether } from "./contradictions.ts";
import { readConfigFile } from "./file.ts";
import { nearest } from "./nearest.ts";
import type { Origin, Origins } from "./origins.ts";
import { ringBytesOf } from "./ring-size.ts";
import { type CollectConfig, SECTION_LIST, type Settings } from "./schema.ts";
import { envName } from "./section.ts";
import { quote, shortened } from "./units.ts";
import { expectation, problemOf, type ValueType } from "./values.ts";

/** The configuration file that linnix reads if neither an option nor a variable names one. */
export const DEFAULT_CONFIG_FILE = "/etc/linnix/linnix.toml";

/** The sources of settings. */
export interface Sources {
  /** The command line: option without dashes → its words, in order. */
  flags: ReadonlyMap<string, readonly string[]>;
  /** The environment. */
  env: Readonly<Record<string, string | undefined>>;
  /** The file that linnix reads if it exists and neither `--config` nor LINNIX_CONFIG names one; null: none. */
  defaultFile?: string | null;
  /** Whether that file must exist, because the settings in force came from it. */
  needsDefaultFile?: boolean;
}

export interface Loaded {
  settings: Settings;
  origins: Origins;
  /** Path of the file that was read; null if there is none. */
  file: string | null;
  /** Problems that are no errors. Each is logged once. */
  warnings: readonly string[];
}

/** Environment variables that are no settings of the file. The token is no setting, so that it is never printed. */
const OTHER_VARIABLES = ["LINNIX_CONFIG", "LINNIX_API_TOKEN"];

/**
 * Settings in force: options over environment over file over defaults.
 * @throws {LinnixError} for the first value that is wrong, naming where it was given
 */
export async function loadSettings(sources: Sources): Promise<Loaded> {
  const values = new Map<string, Record<string, unknown>>();
  const origins = new Map<string, Origin>();
  const set = (section: string, property: string, value: unknown, origin: Origin): void => {
    const table = values.get(section) ?? {};
    values.set(section, table);
    table[property] = value;
    origins.set(`${section}.${property}`, origin);
  };

  for (const [section, { keys }] of SECTION_LIST) {
    for (const [property, key] of Object.entries(keys)) {
      set(section, property, key.default, "default");
    }
  }
  const fromFile = await loadFile(sources);
  for (const { section, property, value, line } of fromFile.settings) {
    set(section, property, value, line === null ? `${fromFile.file}` : `${fromFile.file}:${line}`);
  }
  for (const [section, { keys }] of SECTION_LIST) {
    for (const [property, key] of Object.entries(keys)) {
      const name = envName(key.flag);
      const text = sources.env[name];
      if (text) {
        set(section, property, readWords(key, [text], name), name);
      }
      const words = sources.flags.get(key.flag);
      if (words !== undefined) {
        set(section, property, readWords(key, words, `--${key.flag}`), `--${key.flag}`);
      }
    }
  }

  const settings = Object.fromEntries(values) as unknown as Settings;
  checkTogether(settings, origins);
  return {
    settings,
    origins,
    file: fromFile.file,
    warnings: [...fromFile.warnings, ...unknownVariables(sources.env)],
  };
}

/** The facts that decide the values of `auto`. */
export interface Place {
  stdoutIsTty: boolean;
  /** How many CPUs get a ring; default: the CPUs of this machine that are online. */
  cpus?: number;
}

/** Replaces each `auto` by a value, which depends on where events go and on the number of CPUs. */
export function resolveAuto(settings: Settings, place: Place): CollectConfig {
  const { output, ring } = settings;
  const onTerminal = place.stdoutIsTty && output.file === null;
  const format = output.format === "auto" ? (onTerminal ? "pretty" : "jsonl") : output.format;
  const sizeBytes = ringBytesOf(ring, () => place.cpus ?? onlineCpuCount());
  const watermarkBytes = ring.watermarkBytes === "auto" ? sizeBytes / 2 : ring.watermarkBytes;
  const flushIntervalMs =
    ring.flushIntervalMs === "auto" ? (onTerminal && format === "pretty" ? 200 : 1000) : ring.flushIntervalMs;
  const decided = { output: { ...output, format }, ring: { sizeBytes, watermarkBytes, flushIntervalMs } };
  return { ...settings, ...decided, given: settings };
}

/**
 * Value of an option or variable from its words.
 * @param name the option or variable as the user knows it
 */
export function readWords<T>({ type }: { type: ValueType<T> }, words: readonly string[], name: string): T {
  const items = type.list && type.commas !== false ? splitAtCommas(words) : words;
  const raw = items.map((item) => type.fromText(item));
  const result = type.schema().safeParse(type.list ? raw : raw[0]);
  if (result.success) {
    return result.data;
  }
  const [issue] = result.error.issues;
  const at = issue?.path[0];
  const item = items[typeof at === "number" ? at : 0];
  throw usageError("bad-value", {
    what: type.list && at === undefined ? name : `${name} ${quote(item ?? "")}`,
    why: issue === undefined ? undefined : problemOf(issue, raw),
    hint: expectation(type, item, at !== undefined),
  });
}

function splitAtCommas(words: readonly string[]): string[] {
  return words.flatMap((word) => word.split(",")).map((item) => item.trim());
}

async function loadFile(sources: Sources) {
  const named = sources.flags.get("config")?.[0] ?? (sources.env.LINNIX_CONFIG || undefined);
  if (named === "") {
    // Most likely a variable of a shell script is not set. Without this error other settings than intended would apply.
    throw usageError("config-file", {
      what: "--config",
      why: "names no file: it is empty",
      hint: "expected --config FILE; --config /dev/null means no file",
    });
  }
  if (named?.includes("\ufffd")) {
    throw usageError("config-file", {
      what: `the configuration file ${quote(named)}`,
      why: "its name is not UTF-8, and linnix reads only UTF-8 from a command line",
      hint: "rename it, or make a link to it",
    });
  }
  const path = named ?? (sources.defaultFile === undefined ? DEFAULT_CONFIG_FILE : sources.defaultFile);
  const content = path === null ? null : readConfigFile(path);
  if (path === null || content === null) {
    if (named === undefined && !sources.needsDefaultFile) {
      return { file: null, settings: [], warnings: [] };
    }
    const option = sources.flags.has("config") ? "--config" : "LINNIX_CONFIG";
    throw usageError("config-file", {
      what: `cannot read the configuration file ${shortened(path ?? "")}`,
      why: "no such file",
      hint:
        named === undefined
          ? "put it back: an empty file means the defaults"
          : `name an existing file with ${option}, or leave it out`,
    });
  }
  // Parser and schema of the file cost 2 ms and 4 MB: loaded only if there is a file.
  const { parseToml } = await import("./toml.ts");
  return { file: path, settings: parseToml(content.text, path), warnings: content.warnings };
}

/** Warnings about variables whose names begin with LINNIX_ and that linnix does not know: most likely typing errors. */
function unknownVariables(env: Sources["env"]): string[] {
  const known = new Set(SECTION_LIST.flatMap(([, { keys }]) => Object.values(keys).map((key) => envName(key.flag))));
  for (const name of OTHER_VARIABLES) {
    known.add(name);
  }
  return Object.keys(env)
    .filter((name) => name.startsWith("LINNIX_") && !known.has(name))
    .map((name) => {
      const suggestion = nearest(name, known);
      return `the environment variable ${shortened(name)} means nothing to linnix${suggestion ? `; did you mean ${suggestion}?` : ""}`;
    });
}
