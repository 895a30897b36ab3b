import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listMetrics } from "../../../scripts/metric-list.ts";
import { CollectRun, until } from "./collect-run.ts";
import { freePort, Prometheus, type Series } from "./prometheus.ts";

const RULES = join(import.meta.dir, "../../../docs/prometheus/linnix.rules.yml");

export interface ScrapedRestartOptions {
  intervalMs: number;
  /** Scrapes before the reload, after it, and after the restart. */
  scrapes: number;
  /** How long these scrapes may take, ms. */
  patienceMs: number;
}

/**
 * Scrapes a collector over a reload and a restart by a real Prometheus with the alerts of docs/prometheus, and expects
 * that each counter falls only at the restart, that no rate is negative or higher than the counter ever grew, and that
 * no scrape target and no rule has an error at the end.
 */
export async function expectSoundScrapes({ intervalMs, scrapes, patienceMs }: ScrapedRestartOptions): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "linnix-scraped-"));
  try {
    const target = `127.0.0.1:${await freePort()}`;
    const config = join(folder, "linnix.toml");
    writeFileSync(config, "[sampling]\ninterval = '1s'\n");
    const output = ["--format", "jsonl", "--output", join(folder, "events.jsonl")];
    const args = ["--config", config, "--listen", target, ...output];
    await using prometheus = await Prometheus.start({ target, intervalMs, rules: RULES });
    const spawner = setInterval(() => Bun.spawnSync(["/bin/true"]), 50);
    const scraped = async () => {
      const [before = "0"] = await prometheus.values(COUNT);
      await until(
        "scrapes",
        async () => Number((await prometheus.values(COUNT))[0] ?? 0) >= Number(before) + scrapes,
        patienceMs,
      );
    };
    try {
      {
        await using first = await CollectRun.start(args);
        await scraped();
        writeFileSync(config, "[sampling]\ninterval = '500ms'\n");
        first.child.kill("SIGHUP");
        await until("the reload", () => first.stderr.includes("configuration read again"));
        await scraped();
        first.child.kill("SIGTERM");
        expect((await first.ended()).exitCode).toBe(0);
      }
      await using second = await CollectRun.start(args);
      await until("a scrape of the second run", async () => (await prometheus.values(RESTARTS))[0] === "1", patienceMs);
      await scraped();
      await until("every target to be up", async () => {
        const targets = await prometheus.targets();
        return targets.length === 1 && targets.every(({ health, lastError }) => health === "up" && lastError === "");
      });
      await expectSoundRules(prometheus);
      await expectSoundCounters(prometheus, intervalMs);
      second.child.kill("SIGTERM");
      expect((await second.ended()).exitCode).toBe(0);
    } finally {
      clearInterval(spawner);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const COUNT = "count_over_time(linnix_collecting[1h])";
const RESTARTS = "changes(process_start_time_seconds[1h])";

async function expectSoundRules(prometheus: Prometheus): Promise<void> {
  const rules = await prometheus.rules();
  expect(rules.length).toBeGreaterThan(10);
  const bad = rules.filter(({ health, lastError }) => health !== "ok" || lastError);
  expect(bad).toEqual([]);
}

async function expectSoundCounters(prometheus: Prometheus, intervalMs: number): Promise<void> {
  const [starts] = await prometheus.samples('process_start_time_seconds{job="linnix"}');
  const restartS = (starts as Series).values.find(([, value]) => value !== starts?.values[0]?.[1])?.[0] as number;
  let series = 0;
  for (const { name, type } of (await listMetrics()).values()) {
    if (type !== "counter") continue;
    const all = await prometheus.samples(`${name}{job="linnix"}`);
    let fastest = 0;
    for (const { metric, values } of all) {
      series++;
      for (const [at, [s, text]] of values.entries()) {
        const [beforeS, beforeText] = values[at - 1] ?? [s, text];
        const grown = Number(text) - Number(beforeText);
        const isRestart = beforeS < restartS && s >= restartS;
        if (grown < 0) expect([metric, beforeText, text, isRestart]).toEqual([metric, beforeText, text, true]);
        if (s > beforeS) fastest = Math.max(fastest, (grown < 0 ? Number(text) : grown) / (s - beforeS));
      }
    }
    const stamps = all.flatMap(({ values }) => values.map(([s]) => s));
    if (stamps.length === 0) continue;
    const query = `rate(${name}{job="linnix"}[${10 * intervalMs}ms])`;
    const rates = await prometheus.range(query, Math.min(...stamps), Math.max(...stamps), intervalMs / 1000);
    for (const { metric, values } of rates) {
      for (const [s, text] of values) {
        // What Prometheus extrapolates to the edges of the window is never more than the growth between two scrapes.
        const isSound = Number(text) >= 0 && Number(text) <= 1.01 * fastest;
        expect([name, metric, s, text, isSound]).toEqual([name, metric, s, text, true]);
      }
    }
  }
  expect(series).toBeGreaterThan(40);
}
