import { LinnixError } from "../errors.ts";
import { SECTION_LIST } from "./schema.ts";
import { envName, type Key } from "./section.ts";
import { quote } from "./units.ts";

/** The source of one setting, as the user knows it: `--ring-size`, `LINNIX_RING_SIZE`, `FILE:12`, `default`. */
export type Origin = string;

/** The source of each setting, by `table.property`. */
export type Origins = ReadonlyMap<string, Origin>;

/** `--ring-size 4KiB`, or `FILE:3: ring.size = "4KiB"`: a setting as the user gave it. */
export function named(...setting: Parameters<typeof describe>): string {
  const { origin, word, assignment } = describe(...setting);
  return word ?? `${origin}: ${assignment}`;
}

/** The same, in the form for a reason: `--ring-size 4KiB`, or `ring.size = "4KiB" (default)`. */
export function because(...setting: Parameters<typeof describe>): string {
  const { origin, word, assignment } = describe(...setting);
  return word ?? `${assignment} (${origin})`;
}

function describe(section: string, property: string, value: unknown, origins: Origins) {
  const key = SECTION_LIST.find(([name]) => name === section)?.[1].keys[property] as Key<unknown>;
  const origin = origins.get(`${section}.${property}`) ?? "default";
  const toml = key.type.toToml(value as NonNullable<unknown>);
  const text = [toml].flat().join(",");
  const assignment = `${section}.${key.toml} = ${typeof toml === "boolean" ? text : quote(text)}`;
  const isWord = origin === `--${key.flag}` || origin === envName(key.flag);
  return { origin, word: isWord ? `${origin}${key.type.switch ? "=" : " "}${text}` : undefined, assignment };
}

/**
 * Returns the result of `work`. If it fails because of the value of a setting, the error names the source of that
 * value: the place in the file and the key, or the variable. Errors of the schema do the same.
 */
export async function namingOrigins<T>(origins: Origins, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof LinnixError ? atOrigin(error, origins) : error;
  }
}

/** Rewrites an error, which names the option of a setting, to name the source of the value instead. */
function atOrigin(error: LinnixError, origins: Origins): LinnixError {
  const { code, exitCode, setting, what, why } = error;
  const found = SECTION_LIST.flatMap(([section, { keys }]) =>
    Object.entries(keys).map(([property, { toml, flag }]) => ({ section, property, toml, flag })),
  ).find(({ section, toml }) => `${section}.${toml}` === setting);
  if (setting === undefined || found === undefined) return error;
  const option = `--${found.flag}`;
  const origin = origins.get(`${found.section}.${found.property}`) ?? "default";
  if (origin === option || origin === "default") return error;
  const isVariable = origin === envName(found.flag);
  const name = isVariable ? origin : setting;
  const head = isVariable ? origin : `${origin}: ${setting}`;
  const rest = what.startsWith(`${option} `) ? what.slice(option.length + 1) : undefined;
  const text = {
    // `LINNIX_USER nosuch is not known`, `FILE:3: run.user: nosuch is not known`.
    what: isVariable && rest !== undefined ? `${head} ${rest}` : `${head}: ${rest ?? what}`,
    why,
    hint: error.hint?.replaceAll(new RegExp(`${option}(?![\\w-])`, "g"), name),
    setting,
  };
  return new LinnixError(code, exitCode, text, { cause: error });
}
