import { expect, test } from "bun:test";
import { outdatedFiles } from "../../scripts/observers.ts";
import { checkFacts } from "../../src/doctor/checks.ts";
import { readFacts } from "../../src/doctor/facts.ts";
import { OBSERVERS } from "../../src/observers/registry.ts";
import { recordMachine } from "../doctor/recorded-machine.ts";

test("the set-up and the documentation match the list of observers", () => {
  expect(outdatedFiles()).toEqual([]);
});

test("doctor has a check for each program and each need of a method", async () => {
  using machine = recordMachine();
  const checks = checkFacts(await readFacts(machine.host, { stealWindowMs: 0 })).flatMap((section) => section.checks);
  const ids = checks.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { programs, needs, inKernel } of OBSERVERS) {
    const wanted = inKernel === "audit" ? [] : programs.map(({ name }) => name);
    expect(ids).toEqual(expect.arrayContaining([...wanted, ...(needs.checks ?? [])]));
  }
});
