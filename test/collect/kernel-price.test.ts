import { expect, test } from "bun:test";
import { KernelPrice } from "../../src/collect/kernel-price.ts";

test("the cost is null before a measurement", () => {
  const price = new KernelPrice(100);
  expect(price.ns(500)).toBeNull();
  expect(price.nsPerEvent).toBeNull();
});

test("events have the cost of the latest measurement; earlier events have that of the first", () => {
  const price = new KernelPrice(100);
  price.measured(300, 50, 100_000);
  expect(price.nsPerEvent).toBe(2000);
  expect(price.ns(300)).toBe(200 * 2000);
  expect(price.ns(310)).toBe(210 * 2000);
  price.measured(1300, 100, 100_000);
  // Events counted at the old cost keep it: the sum never falls.
  expect(price.ns(1300)).toBe(1200 * 2000);
  expect(price.ns(1301)).toBe(1200 * 2000 + 1000);
});

test("a measurement without events changes nothing", () => {
  const price = new KernelPrice(0);
  price.measured(0, 0, 500);
  expect(price.nsPerEvent).toBeNull();
});
