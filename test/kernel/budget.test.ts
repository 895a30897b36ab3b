import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { KernelMeter } from "../../src/budget/kernel-meter.ts";
import { Collector } from "../../src/collect/collector.ts";
import { resolveAuto } from "../../src/config/load.ts";
import { defaultSettings } from "../../src/config/print.ts";
import { boottimeNs } from "../../src/libbpf/clock.ts";
import { until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
const { probes, filters, ring, retention, sampling } = resolveAuto(defaultSettings(), { stdoutIsTty: false });

/** Whether this process has the kernel's statistics of BPF programs switched on. */
function hasStatisticsOn(): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === "anon_inode:bpf-stats";
    } catch {
      return false;
    }
  });
}

function spawnSome(): void {
  for (let i = 0; i < 60; i++) Bun.spawnSync(["/bin/true"]);
}

describe.skipIf(reason !== null)(titled("what the kernel half costs", reason), () => {
  test("is measured for a while, only where there were events, and then the statistics are off again", async () => {
    using collector = new Collector(
      {
        backend: "auto",
        events: probes.events,
        maxArgsBytes: probes.maxArgsBytes,
        filters,
        ringBytes: ring.sizeBytes,
        watermarkBytes: ring.watermarkBytes,
        flushIntervalMs: ring.flushIntervalMs,
        lingerMs: retention.lingerMs,
        sampleIntervalMs: sampling.intervalMs,
        rssThresholdBytes: sampling.rssThresholdBytes,
      },
      { event: () => {}, idle: () => {} },
    );
    collector.start();
    let events = 0;
    using meter = new KernelMeter(() => {
      const { seen } = collector.counts();
      events = seen.fork + seen.exec + seen.exit;
      return events;
    }, boottimeNs());
    const later = boottimeNs() + 60e9;
    spawnSome();
    meter.tick(boottimeNs());
    expect(hasStatisticsOn()).toBe(false); // It is too soon.
    meter.tick(later);
    expect(hasStatisticsOn()).toBe(true);
    expect(meter.ns()).toBeNull();
    spawnSome();
    await until("the end of the measurement", () => !hasStatisticsOn());
    const { nsPerEvent } = meter;
    expect(nsPerEvent).toBeGreaterThan(10);
    expect(nsPerEvent).toBeLessThan(1e6);
    const ns = meter.ns();
    expect(events).toBeGreaterThanOrEqual(360);
    expect(ns).toBeGreaterThan(0);
    // There was next to nothing since then.
    meter.tick(later + 1e9);
    expect(hasStatisticsOn()).toBe(false);
    await collector.stop();
  });

  test("is not known where it may not be asked, and no statistics stay on after it is closed", () => {
    let count = 0;
    const meter = new KernelMeter(() => count, 0);
    count = 1000;
    meter.tick(120e9);
    expect(hasStatisticsOn()).toBe(true);
    meter.close();
    expect(hasStatisticsOn()).toBe(false);
    expect(meter.ns()).toBeNull();
    meter.tick(240e9);
    expect(hasStatisticsOn()).toBe(false);
  });
});
