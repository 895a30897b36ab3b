import { type CollectConfig, SECTION_LIST } from "../config/schema.ts";
import { quote } from "../config/units.ts";

/** Settings that a reload changes, by `table.property`. All other settings need a restart. */
const LIVE: ReadonlySet<string> = new Set([
  "log.level",
  "probes.detail",
  "probes.summaryIntervalMs",
  "sampling.intervalMs",
  "budget.cpuPct",
  "budget.floor",
  "budget.stormRate",
  "retention.lingerMs",
  "redaction.redact",
  "redaction.patterns",
  "ring.flushIntervalMs",
  "api.tokenFile",
  "api.allowOrigins",
  "api.maxClients",
  "api.heartbeatMs",
  "api.cpuBudgetPct",
]);

/** The result of reading the configuration again. */
export interface Reload {
  /** The settings from now on: those in force before, with the changes that need no restart. */
  config: CollectConfig;
  /** Settings that have changed, as the user writes them: `ring.size = "1MiB"`. */
  changed: string[];
  /** Settings that were changed but need a restart. */
  needRestart: string[];
}

type Table = Record<string, unknown>;

/**
 * Compares the settings in force with those that have been read again. A setting that is `auto` in both has not
 * changed, even if linnix now chooses another value for it: the choice depends on other settings.
 */
export function compareConfigs(inForce: CollectConfig, wanted: CollectConfig): Reload {
  const config = structuredClone(inForce);
  const changed: string[] = [];
  const needRestart: string[] = [];
  for (const [name, { keys }] of SECTION_LIST) {
    for (const [property, key] of Object.entries(keys)) {
      const text = (settings: unknown) => textOf(key.type.toToml, tableOf(settings, name)[property]);
      const after = text(wanted);
      if (text(inForce) === after || text(inForce.given) === text(wanted.given)) continue;
      const isLive = LIVE.has(`${name}.${property}`);
      (isLive ? changed : needRestart).push(`${name}.${key.toml} = ${after}`);
      if (!isLive) continue;
      tableOf(config, name)[property] = tableOf(wanted, name)[property];
      tableOf(config.given, name)[property] = tableOf(wanted.given, name)[property];
    }
  }
  return { config, changed, needRestart };
}

function tableOf(settings: unknown, name: string): Table {
  return (settings as Record<string, Table>)[name] as Table;
}

/** The value as it would be in the file; `none` if it is absent. */
function textOf(toToml: (value: NonNullable<unknown>) => unknown, value: unknown): string {
  if (value === null || value === undefined) return "none";
  const toml = toToml(value);
  const one = (item: unknown) => (typeof item === "string" ? quote(item) : String(item));
  return Array.isArray(toml) ? `[${toml.map(one).join(", ")}]` : one(toml);
}
