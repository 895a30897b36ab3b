import { describe, expect, test } from "bun:test";
import {
  formatDurationMs,
  formatDurationNs,
  formatPercent,
  formatSizeBytes,
  quote,
  readDurationNs,
  readPercent,
  readSizeBytes,
} from "../../src/config/units.ts";

describe("durations", () => {
  test.each([
    ["0", 0],
    ["1ns", 1],
    ["500us", 500_000],
    ["500µs", 500_000],
    ["250ms", 250_000_000],
    ["2s", 2_000_000_000],
    ["1.5s", 1_500_000_000],
    ["0.000000001s", 1],
    ["5m", 300_000_000_000],
    ["1h", 3_600_000_000_000],
  ])("%s is %d ns", (text, ns) => {
    expect(readDurationNs(text)).toBe(ns);
    expect(readDurationNs(formatDurationNs(ns))).toBe(ns);
  });

  test.each([
    "",
    " ",
    "10",
    "1x",
    "-1s",
    "+1s",
    "1 s",
    "1S",
    "s",
    "1e3s",
    "1.5ns",
    "1,5s",
    "2s ",
    "٣s",
    "104249992h",
    "Infinity",
    "NaN",
  ])("%j is not a duration", (text) => {
    expect(readDurationNs(text)).toBeNull();
  });

  test("are printed in the largest unit that is exact", () => {
    expect(formatDurationNs(90_000_000_000)).toBe("90s");
    expect(formatDurationMs(3_600_000)).toBe("1h");
    expect(formatDurationMs(0.5)).toBe("500us");
    expect(formatDurationMs(0)).toBe("0");
  });
});

describe("sizes", () => {
  test.each([
    ["0", 0],
    ["1000", 1000],
    ["17B", 17],
    ["64KiB", 65_536],
    ["4MiB", 4_194_304],
    ["1.5KiB", 1536],
    ["1GiB", 1_073_741_824],
  ])("%s is %d bytes", (text, bytes) => {
    expect(readSizeBytes(text)).toBe(bytes);
    expect(readSizeBytes(formatSizeBytes(bytes))).toBe(bytes);
  });

  test.each(["", "64K", "64KB", "64kib", "-1", "1.5", "KiB", "1 KiB", "99999999GiB", "0x10"])(
    "%j is not a size",
    (text) => {
      expect(readSizeBytes(text)).toBeNull();
    },
  );

  test("are printed in the largest unit that is exact", () => {
    expect(formatSizeBytes(262_144)).toBe("256KiB");
    expect(formatSizeBytes(1025)).toBe("1025");
  });
});

describe("percentages", () => {
  test.each([
    ["1", 1],
    ["1%", 1],
    ["0.5 %", 0.5],
    ["0", 0],
  ])("%s", (text, pct) => {
    expect(readPercent(text)).toBe(pct);
    expect(readPercent(formatPercent(pct))).toBe(pct);
  });

  test.each(["", "%", "1%%", "-1", "1 percent", "1e2", ".5"])("%j is not a percentage", (text) => {
    expect(readPercent(text)).toBeNull();
  });
});

describe("an error", () => {
  test("quotes a value on one short line without control characters", () => {
    expect(quote("a\n\u001b[31m\u009b\u202e")).toBe('"a\\n\\u001b[31m\\x9b\\u202e"');
    expect(quote("x".repeat(500)).length).toBeLessThan(100);
  });
});
