import { describe, expect, test } from "bun:test";
import { noiseBetween, parseCpuPressure, readNoiseCounters } from "../../src/procfs/noise.ts";
import { parseSystemCpu, readSystemCpu, type SystemCpu, systemCpuUse } from "../../src/procfs/system-cpu.ts";

const TEXT = `cpu  100 20 50 900 30 5 7 11 40 2
cpu0 50 10 25 450 15 3 3 5 20 1
cpu1 50 10 25 450 15 2 4 6 20 1
intr 1 2 3
ctxt 99
`;

describe("parseSystemCpu", () => {
  test("adds up time by kind, guest time only once, and steal time separately", () => {
    expect(parseSystemCpu(TEXT)).toEqual({ cpus: 2, userTicks: 120, systemTicks: 62, idleTicks: 930, stealTicks: 11 });
  });

  test("accepts the short line of old kernels, and a text without the line", () => {
    expect(parseSystemCpu("cpu  1 2 3 4\n")).toEqual({
      cpus: 1,
      userTicks: 3,
      systemTicks: 3,
      idleTicks: 4,
      stealTicks: 0,
    });
    expect(parseSystemCpu("")).toBeNull();
  });
});

describe("systemCpuUse", () => {
  const before: SystemCpu = { cpus: 4, userTicks: 0, systemTicks: 0, idleTicks: 0, stealTicks: 0 };

  test("computes each share of its own total", () => {
    expect(systemCpuUse(before, { cpus: 4, userTicks: 20, systemTicks: 10, idleTicks: 60, stealTicks: 10 })).toEqual({
      busyMachinePct: 30,
      busyCorePct: 120,
      userMachinePct: 20,
      systemMachinePct: 10,
      stealMachinePct: 10,
    });
  });

  test("is 0 if no time passed, and tolerates an idle counter that decreases", () => {
    expect(systemCpuUse(before, before).busyMachinePct).toBe(0);
    const fell = systemCpuUse({ ...before, idleTicks: 5 }, { ...before, idleTicks: 4, userTicks: 10 });
    expect(fell.busyMachinePct).toBe(100);
  });
});

describe("noise", () => {
  test("reads the total of /proc/pressure/cpu", () => {
    expect(parseCpuPressure("some avg10=0.14 avg60=0.42 avg300=0.38 total=6083874\nfull avg10=0.00 total=0\n")).toBe(
      6083874,
    );
    expect(parseCpuPressure("")).toBeNull();
  });

  test("is a share of the elapsed time, and null if a counter is null", () => {
    const system: SystemCpu = { cpus: 1, userTicks: 0, systemTicks: 0, idleTicks: 0, stealTicks: 0 };
    const noise = noiseBetween(
      { atNs: 0, system, cpuPressureUs: 1000 },
      { atNs: 1e9, system: { ...system, idleTicks: 80, stealTicks: 20 }, cpuPressureUs: 251_000 },
    );
    expect(noise).toEqual({ stealMachinePct: 20, cpuPressurePct: 25, busyMachinePct: 0 });
    const unknown = { atNs: 0, system: null, cpuPressureUs: null };
    expect(noiseBetween(unknown, unknown)).toEqual({
      stealMachinePct: null,
      cpuPressurePct: null,
      busyMachinePct: null,
    });
  });

  test("reads this machine", async () => {
    const before = readNoiseCounters();
    await Bun.sleep(50);
    const noise = noiseBetween(before, readNoiseCounters());
    expect(readSystemCpu()?.cpus).toBeGreaterThan(0);
    expect(noise.stealMachinePct).toBeWithin(0, 100.001);
    expect(noise.busyMachinePct).toBeWithin(0, 100.001);
  });
});
