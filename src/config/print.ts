import { printable, UNSAFE } from "../json/printable.ts";
import type { Origins } from "./origins.ts";
import { type CollectConfig, SECTION_LIST, type Settings } from "./schema.ts";
import { envName, type Key } from "./section.ts";
import type { TomlValue, ValueType } from "./values.ts";

type AnySettings = Record<string, Record<string, unknown> | undefined>;

/** The settings if the user sets nothing. */
export function defaultSettings(): Settings {
  const entries = SECTION_LIST.map(([name, { keys }]) => [
    name,
    Object.fromEntries(Object.entries(keys).map(([property, key]) => [property, key.default])),
  ]);
  return Object.fromEntries(entries) as Settings;
}

/**
 * The settings as a TOML document that reads back to the same settings. A comment after each value names its source,
 * and the value that `auto` has here.
 */
export function printSettings(settings: Settings, resolved: CollectConfig, origins: Origins): string {
  const head = "# The settings of linnix in force here, and the source of each.\n";
  const body = document(false, (name, property, key) => {
    const value = (settings as unknown as AnySettings)[name]?.[property];
    const inForce = (resolved as unknown as AnySettings)[name]?.[property];
    const remarks = [value === null ? "not set" : (origins.get(`${name}.${property}`) ?? "default")];
    if (value === "auto" && inForce !== "auto") {
      remarks.push(`here: ${plain(key.type, inForce)}`);
    }
    return [`${assignment(key, value)}  # ${printable(remarks.join("; "))}`];
  });
  return head + body;
}

/** The sample configuration: every setting with its documentation and its default. */
export function printSample(): string {
  const head = [
    "# Configuration of linnix: every setting with its default.",
    "# Read from --config FILE, else from the file that LINNIX_CONFIG names, else from /etc/linnix/linnix.toml.",
    "# An option takes precedence over its variable, and a variable over this file.",
    "# Durations: 250ms, 2s, 5m, 1h. Sizes: 64KiB, 4MiB, or bytes.",
    "",
  ];
  const body = document(true, (_, __, key) => [
    "",
    `# ${key.doc.charAt(0).toUpperCase()}${key.doc.slice(1)} (--${key.flag}, ${envName(key.flag)}).`,
    ...(key.details ?? []).map((line) => `# ${line}`),
    ...(key.type.choices ? [] : [`# Expected: ${key.type.expected}.`]),
    assignment(key, key.default),
  ]);
  return head.join("\n") + body;
}

function document(titled: boolean, lines: (section: string, property: string, key: Key<unknown>) => string[]): string {
  const tables = SECTION_LIST.map(([name, { title, keys }]) => [
    "",
    ...(titled && title.toLowerCase() !== name ? [`# ${title}.`] : []),
    `[${name}]`,
    ...Object.entries(keys).flatMap(([property, key]) => lines(name, property, key)),
  ]);
  return `${tables.flat().join("\n")}\n`;
}

/** `key = value`; as a comment if the setting is absent, because TOML has no null. */
function assignment(key: Key<unknown>, value: unknown): string {
  return value === null
    ? `# ${key.toml} = ${tomlText(key.type.toToml(key.example as NonNullable<unknown>))}`
    : `${key.toml} = ${tomlText(key.type.toToml(value as NonNullable<unknown>))}`;
}

/** A value as on the command line, without quotes. */
function plain(type: ValueType<unknown>, value: unknown): string {
  return [type.toToml(value as NonNullable<unknown>)].flat().join(",");
}

/** A TOML value. In strings, all characters that a terminal could act upon are escaped. */
function tomlText(value: TomlValue): string {
  if (Array.isArray(value)) {
    return `[${value.map(tomlText).join(", ")}]`;
  }
  // Each escape that JSON.stringify writes is valid in a TOML string.
  return typeof value === "string" ? JSON.stringify(value).replace(UNSAFE, tomlEscape) : String(value);
}

function tomlEscape(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}
