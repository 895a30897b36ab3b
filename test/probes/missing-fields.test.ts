import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { missingFields } from "../../src/probes/missing-fields.ts";

describe("the fields that a backend cannot give", () => {
  test("btf: none, but bytes read and written where the kernel does not count them", () => {
    expect(missingFields("btf", () => true)).toEqual([]);
    expect(missingFields("btf", () => false)).toEqual(["read_bytes", "write_bytes"]);
  });

  test("tracepoint: the same on every kernel", () => {
    const missing = missingFields("tracepoint", () => true);
    expect(missing).toEqual(missingFields("tracepoint", () => false));
    for (const field of ["start_ns", "args", "exit_code", "read_bytes"]) expect(missing).toContain(field);
  });

  const config = configuration();
  const reason = config === null ? "the kernel's configuration cannot be read here" : null;
  test.skipIf(reason !== null)(`this kernel's own configuration says so too${reason ? ` (${reason})` : ""}`, () => {
    const counts = /^CONFIG_TASK_IO_ACCOUNTING=y$/m.test(config ?? "");
    expect(missingFields("btf", existsSync)).toEqual(counts ? [] : ["read_bytes", "write_bytes"]);
  });
});

function configuration(): string | null {
  try {
    return new TextDecoder().decode(Bun.gunzipSync(new Uint8Array(readFileSync("/proc/config.gz"))));
  } catch {
    return null;
  }
}
