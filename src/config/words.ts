import { defaultSettings } from "./print.ts";
import { SECTION_LIST, type Settings } from "./schema.ts";

/** The settings that differ from the defaults, as words of a command line that sets them. */
export function settingWords(settings: Settings): string[] {
  const usual = defaultSettings() as unknown as Record<string, Record<string, unknown>>;
  const words: string[] = [];
  for (const [name, { keys }] of SECTION_LIST) {
    const values = settings[name as keyof Settings] as unknown as Record<string, unknown>;
    for (const [property, { flag, type }] of Object.entries(keys)) {
      const value = values[property];
      if (value === null || value === undefined) continue;
      const given = type.toToml(value);
      const byDefault = usual[name]?.[property] ?? null;
      if (byDefault !== null && String(type.toToml(byDefault)) === String(given)) continue;
      // One option per value, because some values of lists contain commas.
      for (const word of [given].flat()) words.push(`--${flag}=${word}`);
    }
  }
  return words;
}
