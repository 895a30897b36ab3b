import type { ApiServer } from "../api/server.ts";
import type { ReloadFacts } from "../api/source.ts";
import { log } from "../config/log.ts";
import type { CollectConfig } from "../config/schema.ts";
import type { Identity } from "../process/identity.ts";
import { readHidepid } from "../procfs/hidepid.ts";
import type { Unwritten } from "../wire/unwritten.ts";
import type { Collector } from "./collector.ts";
import { intervalsAt } from "./pace.ts";
import type { Spending } from "./spending.ts";

/** What the API tells of beside the collector. */
export interface ApiParts {
  collector: Collector;
  identity: Identity;
  /** Owner of a Unix socket: who this process will be. */
  account: { uid: number; gid: number } | undefined;
  /** What the output did not take so far. */
  unwritten(): Unwritten;
  /** Bytes that the output has taken so far. */
  writtenBytes(): number;
  /** What came of the last reading of the configuration; null until there was one. */
  reload(): ReloadFacts | null;
  /** As they are at the moment. */
  now(): {
    config: CollectConfig;
    spending: Spending | undefined;
    phase: "starting" | "watching" | "stopping";
  };
}

/**
 * Starts the HTTP API. To be imported where it is wanted only: what is off takes no memory.
 * @throws LinnixError where it cannot listen there
 */
export async function openApi(listen: string, parts: ApiParts): Promise<ApiServer> {
  const { collector, identity, account, unwritten, writtenBytes, reload, now } = parts;
  const { startApi } = await import("../api/server.ts");
  const { CollectorSource } = await import("./collector-source.ts");
  const source = new CollectorSource({
    collector,
    names: identity,
    caches: () => {
      const caches = { cgroups: identity.stats(), ...identity.accountStats() };
      return Object.entries(caches).map(([name, stats]) => ({ name, ...stats }));
    },
    flushed: () => identity.flushed(),
    lostMoves: () => identity.lostMoves,
    sampling: () => {
      const { config, spending } = now();
      const { samplingSource } = collector;
      const { sampleMs } = intervalsAt(spending?.budget.level ?? 0, config);
      return samplingSource === null ? null : { source: samplingSource, intervalMs: sampleMs };
    },
    budget: () => {
      const budget = now().spending?.budget;
      if (!budget || budget.budgetPct === 0) return null;
      const { level, costPct, budgetPct } = budget;
      return { level, costPct, budgetPct };
    },
    inKernelCpuPct: () => now().spending?.budget.inKernelPct ?? null,
    inKernelNs: () => now().spending?.inKernelNs ?? null,
    unwritten,
    writtenBytes,
    reload,
    collecting: () => {
      const { phase } = now();
      return phase === "watching" ? true : phase;
    },
  });
  const api = await startApi({ ...now().config.api, listen, socketOwner: account }, source);
  if (api.isOpenToAll && !now().config.redaction.redact) warnOfHidepid(readHidepid());
  return api;
}

/** Every account can reach an address of this machine, and reads there what /proc does not show it. */
function warnOfHidepid(hidepid: string | null): void {
  if (hidepid === null) return;
  log.warn(
    `every account can read command lines from the API that /proc, mounted with hidepid=${hidepid}, hides from it\n` +
      "listen at unix:PATH, set --api-token-file, or hide them with --redact",
  );
}
