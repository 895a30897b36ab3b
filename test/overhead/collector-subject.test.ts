import { expect, test } from "bun:test";
import { defaultSettings } from "../../src/config/print.ts";
import { subjectSettings } from "../../src/overhead/collector-subject.ts";

test("a test judges the configured level of detail, whatever budget and storms permit", () => {
  const inForce = defaultSettings();
  inForce.probes.detail = "processes";
  inForce.budget = { cpuPct: 0.5, floor: "summary", stormRate: "auto" };
  const { budget, probes } = subjectSettings(inForce);
  expect(probes.detail).toBe("processes");
  expect(budget).toEqual({ cpuPct: 0.5, floor: "events", stormRate: 0 });
});
