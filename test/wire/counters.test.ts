import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { EVENT_COUNTER_NAMES, EVENT_COUNTERS, SAMPLE_LOSS_NAMES } from "../../src/wire/counters.ts";

const docs = (name: string) => readFileSync(join(import.meta.dir, "../../docs", name), "utf8");

test("the documentation has a row for each count, with its metric", () => {
  const text = docs("http-api.md");
  for (const name of EVENT_COUNTER_NAMES) {
    expect(text).toMatch(new RegExp(`^\\| \`${name}\` \\|.*\\| \`${EVENT_COUNTERS[name].metric}\` \\|$`, "m"));
  }
  for (const name of ["emitted", ...SAMPLE_LOSS_NAMES, "threads_not_summed"]) {
    expect(text).toMatch(new RegExp(`^\\| \`${name}\` \\|`, "m"));
  }
});

test("alert rules name only existing reasons of lost samples", () => {
  const named = [...docs("prometheus/linnix.rules.yml").matchAll(/linnix_lost_samples_total\{reason!?="(\w+)"\}/g)];
  expect(named.length).toBeGreaterThan(0);
  for (const [, reason = ""] of named) expect<string[]>(SAMPLE_LOSS_NAMES).toContain(reason);
});
