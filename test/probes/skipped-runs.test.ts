import { expect, test } from "bun:test";
import { skipsPreempted } from "../../src/probes/skipped-runs.ts";

test.each([
  ["5.10.0-32-cloud-amd64", false],
  ["6.19.14", false],
  ["7.0.0-rc1", true],
  ["7.3.4+deb13-cloud-amd64", true],
  ["10.0", true],
  // If it cannot know, it retries: that loses nothing.
  ["", true],
])("a kernel that calls itself %p may skip a preempted program: %p", (release, skips) => {
  expect(skipsPreempted(release)).toBe(skips);
});
