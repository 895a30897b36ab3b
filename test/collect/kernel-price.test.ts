import { expect, test } from "bun:test";
import { KernelPrice } from "../../src/collect/kernel-price.ts";

test("there is no figure before a measurement", () => {
  const price = new KernelPrice(100);
  expect(price.ns(500)).toBeNull();
  expect(price.nsPerEvent).toBeNull();
});

test("events cost what they cost when it was last measured; those before the first as much as it", () => {
  const price = new KernelPrice(100);
  price.measured(300, 50, 100_000);
  expect(price.nsPerEvent).toBe(2000);
  expect(price.ns(300)).toBe(200 * 2000);
  expect(price.ns(310)).toBe(210 * 2000);
  price.measured(1300, 100, 100_000);
  // What was counted at the old price stays at it: the sum never goes back.
  expect(price.ns(1300)).toBe(1200 * 2000);
  expect(price.ns(1301)).toBe(1200 * 2000 + 1000);
});

test("a measurement without events says nothing", () => {
  const price = new KernelPrice(0);
  price.measured(0, 0, 500);
  expect(price.nsPerEvent).toBeNull();
});
