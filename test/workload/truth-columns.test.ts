import { describe, expect, test } from "bun:test";
import { COLUMN_NAMES, NOT_REAPED, TruthColumns } from "../../src/workload/truth-columns.ts";

function filled(n: number): TruthColumns {
  const columns = new TruthColumns(0);
  for (let i = 0; i < n; i++) {
    const row = columns.add();
    columns.arrays.pid[row] = 1000 + i;
    columns.arrays.spawnedFromNs[row] = i * 1e12 + 7;
    columns.arrays.maxRssKib[row] = 2 ** 31 + i;
  }
  return columns;
}

describe("TruthColumns", () => {
  test("grows without losing a row, and a new row is not reaped", () => {
    const columns = filled(5000);
    expect(columns.length).toBe(5000);
    expect(columns.get("pid", 4999)).toBe(5999);
    expect(columns.get("spawnedFromNs", 4321)).toBe(4321 * 1e12 + 7);
    expect(columns.get("maxRssKib", 1)).toBe(2 ** 31 + 1);
    expect(columns.get("status", 0)).toBe(NOT_REAPED);
  });

  test("rows are the same after a conversion to JSON and back", () => {
    const columns = filled(3000);
    const copy = new TruthColumns(0);
    for (let from = 0; from < columns.length; from += 999) {
      copy.append(JSON.parse(JSON.stringify(columns.rows(from, Math.min(from + 999, columns.length)))));
    }
    expect(copy.length).toBe(3000);
    for (const name of COLUMN_NAMES) expect(copy.rows(0, 3000)[name]).toEqual(columns.rows(0, 3000)[name]);
  });

  test("200,000 rows use less than 20 MB", () => {
    const columns = new TruthColumns(200_000);
    const bytes = COLUMN_NAMES.reduce((sum, name) => sum + columns.arrays[name].byteLength, 0);
    expect(bytes).toBeLessThan(20e6);
  });
});
