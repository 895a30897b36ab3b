import { describe, expect, test } from "bun:test";
import { compareConfigs } from "../../src/collect/reload.ts";
import { Reloader } from "../../src/collect/reloader.ts";
import { loadSettings, resolveAuto } from "../../src/config/load.ts";
import { log } from "../../src/config/log.ts";
import type { CollectConfig } from "../../src/config/schema.ts";
import { usageError } from "../../src/errors.ts";

async function config(flags: Record<string, string[]> = {}): Promise<CollectConfig> {
  const { settings } = await loadSettings({ flags: new Map(Object.entries(flags)), env: {}, defaultFile: null });
  return resolveAuto(settings, { stdoutIsTty: false });
}

describe("compareConfigs", () => {
  test("finds no difference between equal configurations", async () => {
    const { changed, needRestart } = compareConfigs(await config(), await config());
    expect({ changed, needRestart }).toEqual({ changed: [], needRestart: [] });
  });

  test("applies settings that can change", async () => {
    const wanted = await config({
      "log-level": ["debug"],
      "sample-interval": ["5s"],
      "cpu-budget": ["0"],
      linger: ["1m"],
      redact: ["true"],
      "redact-pattern": ["a", "b"],
      "flush-interval": ["2s"],
      "api-token-file": ["/t"],
      "api-allow-origin": ["https://a.example"],
      "api-max-clients": ["2"],
      "api-heartbeat": ["5s"],
    });
    const { config: inForce, changed, needRestart } = compareConfigs(await config(), wanted);
    expect(needRestart).toEqual([]);
    expect(inForce).toEqual(wanted);
    expect(changed).toContain('sampling.interval = "5s"');
    expect(changed).toContain('redaction.patterns = ["a", "b"]');
    expect(changed).toContain('ring.flush_interval = "2s"');
    expect(changed).toContain('budget.cpu = "0%"');
    expect(changed).toContain('api.token_file = "/t"');
    expect(changed).toHaveLength(11);
  });

  test("names the changed settings, not derived ones", async () => {
    const {
      config: inForce,
      changed,
      needRestart,
    } = compareConfigs(await config(), await config({ "ring-size": ["1MiB"] }));
    expect({ changed, needRestart }).toEqual({ changed: [], needRestart: ['ring.size = "1MiB"'] });
    expect(inForce).toEqual(await config());
    const both = compareConfigs(await config(), await config({ "ring-size": ["1MiB"], watermark: ["256KiB"] }));
    expect(both.needRestart).toEqual(['ring.size = "1MiB"', 'ring.watermark = "256KiB"']);
    // The value is equivalent to the previous one.
    expect(compareConfigs(await config(), await config({ watermark: ["128KiB"] })).needRestart).toEqual([]);
  });

  test("does not apply settings that need a restart, and names them", async () => {
    const before = await config();
    const wanted = await config({
      events: ["exit"],
      pid: ["1"],
      cgroup: ["18446744073709551615"],
      listen: ["127.0.0.1:1"],
      watermark: ["4KiB"],
      user: ["nobody"],
      output: ["/x"],
      "page-faults": ["true"],
    });
    const { config: inForce, changed, needRestart } = compareConfigs(before, wanted);
    expect(inForce).toEqual(before);
    expect(changed).toEqual([]);
    expect(needRestart).toEqual([
      'output.file = "/x"',
      'probes.events = ["exit"]',
      "probes.page_faults = true",
      "filters.pid = [1]",
      'filters.cgroup = "18446744073709551615"',
      'api.listen = "127.0.0.1:1"',
      'ring.watermark = "4KiB"',
      'run.user = "nobody"',
    ]);
  });

  test("reports removed settings", async () => {
    const { changed } = compareConfigs(await config({ "api-token-file": ["/t"] }), await config());
    expect(changed).toEqual(["api.token_file = none"]);
  });
});

describe("Reloader", () => {
  /** Reloads; returns the log and the applied settings. */
  async function reloaded(
    readings: (CollectConfig | Error)[],
    parts: Partial<ConstructorParameters<typeof Reloader>[1]> = {},
  ): Promise<{ lines: string[]; applied: CollectConfig[]; reopened: number }> {
    const lines: string[] = [];
    const applied: CollectConfig[] = [];
    let reopened = 0;
    const reporters = log.options.reporters.splice(0);
    log.addReporter({ log: ({ type, args }) => lines.push(`${type}: ${args.join(" ")}`) });
    try {
      const reloader = new Reloader(await config(), {
        reread: async () => {
          const next = readings.shift();
          if (next instanceof Error || !next) throw next ?? new Error("read too often");
          return next;
        },
        apply: async (taken) => {
          applied.push(taken);
          return [];
        },
        reopen: async () => ++reopened > 0,
        ...parts,
      });
      while (readings.length > 0) await reloader.reload();
    } finally {
      log.setReporters(reporters);
    }
    return { lines, applied, reopened };
  }

  test("logs changed settings and those that need a restart, each on a line", async () => {
    const { lines, applied, reopened } = await reloaded([
      await config({ redact: ["true"], linger: ["1m"], "ring-size": ["1MiB"], watermark: ["128KiB"] }),
    ]);
    expect(lines).toEqual([
      'info: configuration read again: redaction.redact = true, retention.linger = "1m"; ' +
        "redaction holds for all data that linnix keeps, but not for lines that were written before",
      'warn: these changes need a restart: ring.size = "1MiB"',
    ]);
    expect(applied.map(({ retention, ring }) => [retention.lingerMs, ring.sizeBytes])).toEqual([[60_000, 262_144]]);
    expect(reopened).toBe(1);
  });

  test("compares with the settings in force, not with the requested settings", async () => {
    const wanted = await config({ linger: ["1m"], "ring-size": ["1MiB"], watermark: ["128KiB"] });
    const { lines } = await reloaded([wanted, wanted]);
    expect(lines.slice(2)).toEqual([
      "info: configuration read again: nothing has changed",
      'warn: these changes need a restart: ring.size = "1MiB"',
    ]);
  });

  test("a configuration with an error changes nothing, and the error is one line", async () => {
    const wrong = usageError("config-key", { what: "/f:1: samplin", why: "unknown key", hint: "did you mean this?" });
    const { lines, applied, reopened } = await reloaded([wrong]);
    expect(lines).toEqual(["error: the configuration stays as it was: /f:1: samplin; unknown key; did you mean this?"]);
    expect(applied).toEqual([]);
    expect(reopened).toBe(1);
  });

  test("a setting that cannot be applied leaves all settings unchanged", async () => {
    const { lines } = await reloaded([await config({ linger: ["1m"] }), await config({ linger: ["1m"] })], {
      apply: async () => {
        throw usageError("api-token", { what: "no token" });
      },
    });
    expect(lines).toEqual(Array(2).fill("error: the configuration stays as it was: no token"));
  });

  test("an output that cannot be opened again is reported, and the configuration is still read", async () => {
    const { lines } = await reloaded([await config()], {
      reopen: async () => {
        throw usageError("output", { what: "--output /x cannot be written" });
      },
    });
    expect(lines).toEqual([
      "error: the output is kept as it is: --output /x cannot be written",
      "info: configuration read again: nothing has changed",
    ]);
  });

  test("signals during a reload cause one more reload, not many", async () => {
    let readings = 0;
    const same = await config();
    const reloader = new Reloader(same, {
      reread: async () => {
        readings++;
        await Bun.sleep(1);
        return same;
      },
      apply: async () => [],
      reopen: async () => false,
    });
    const level = log.level;
    log.level = Number.NEGATIVE_INFINITY;
    try {
      await Promise.all([reloader.reload(), reloader.reload(), reloader.reload(), reloader.reload()]);
    } finally {
      log.level = level;
    }
    expect(readings).toBe(2);
  });
});
