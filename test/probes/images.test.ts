import { expect, test } from "bun:test";
import { imageBytes, imageRoom } from "../../src/probes/images.ts";

test("kernels that allocate the memory of all images at the start get fewer images", () => {
  const [old, recent] = [imageRoom("5.10.0-1"), imageRoom("6.18.1")];
  expect(old.images).toBeLessThan(recent.images);
  expect(imageBytes(old, 2048)).toBeLessThan(2 * 2 ** 20);
  expect(imageBytes(recent, 2048)).toBeLessThan(8 * 2 ** 20);
  // Classic tracepoints provide no arguments.
  expect(imageBytes(recent, 0)).toBeLessThan(imageBytes(recent, 2048));
});
