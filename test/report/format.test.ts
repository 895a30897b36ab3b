import { expect, test } from "bun:test";
import {
  formatBytes,
  formatClock,
  formatCount,
  formatInterval,
  formatNumber,
  formatSeconds,
  formatSigned,
  formatTime,
  listed,
  withPercent,
} from "../../src/report/format.ts";

test.each([
  [0.27412, "0.274"],
  [0.0004, "0.000"],
  [0, "0.00"],
  [1.234, "1.23"],
  [12.34, "12.3"],
  [123.4, "123"],
  [1234.5, "1,235"],
  [-0.5, "−0.500"],
  [Number.POSITIVE_INFINITY, "∞"],
  [Number.NEGATIVE_INFINITY, "−∞"],
  [Number.NaN, "–"],
  [null, "–"],
])("formatNumber(%p) is %p", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("figures are written with their units, and unknown figures as a dash", () => {
  expect(withPercent(0.5)).toBe("0.500 %");
  expect(withPercent(null)).toBe("–");
  expect(formatInterval([0.1, Number.POSITIVE_INFINITY])).toBe("0.100 to ∞");
  expect(formatInterval(null)).toBe("–");
  expect(formatSigned(1.5)).toBe("+1.50");
  expect(formatSigned(-1.5)).toBe("−1.50");
  expect(formatSigned(null)).toBe("–");
  expect(formatCount(18_311)).toBe("18,311");
  expect(formatBytes(512)).toBe("512 B");
  expect(formatBytes(532_480)).toBe("520 KiB");
  expect(formatBytes(31.4 * 2 ** 20)).toBe("31.4 MiB");
  expect(formatBytes(11.6 * 2 ** 30)).toBe("11.6 GiB");
  expect(formatBytes(null)).toBe("–");
  expect(formatSeconds(60.02)).toBe("60.0 s");
  expect(formatTime("2026-11-22T15:31:04.123Z")).toBe("2026-11-22 15:31:04 UTC");
});

test("formatClock rounds to whole seconds, and is never below 0:00", () => {
  expect(formatClock(65.4)).toBe("1:05");
  expect(formatClock(59.6)).toBe("1:00");
  expect(formatClock(3661)).toBe("1:01:01");
  expect(formatClock(-3)).toBe("0:00");
});

test("listed() skips empty parts", () => {
  expect(listed("a", null, false, "", "b")).toBe("a, b");
});
