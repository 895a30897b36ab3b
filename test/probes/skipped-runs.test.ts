import { expect, test } from "bun:test";
import { skipsPreempted } from "../../src/probes/skipped-runs.ts";

test.each([
  ["5.10.0-32-cloud-amd64", false],
  ["6.19.14", false],
  ["7.0.0-rc1", true],
  ["7.3.4+deb13-cloud-amd64", true],
  ["10.0", true],
  // For an unknown kernel linnix retries, which loses nothing.
  ["", true],
])("kernel release %p may skip a preempted program: %p", (release, skips) => {
  expect(skipsPreempted(release)).toBe(skips);
});
