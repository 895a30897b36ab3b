import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { IO_ACCOUNTING_FILE, LOGIN_UID_FILE, missingFields } from "../../src/probes/missing-fields.ts";

describe("the fields that a backend cannot provide", () => {
  test("for btf are only the fields that the kernel is built without", () => {
    const without = (file: string) => missingFields("btf", (path) => path !== file);
    expect(missingFields("btf", () => true)).toEqual([]);
    expect(without(IO_ACCOUNTING_FILE)).toEqual(["read_bytes", "write_bytes"]);
    expect(without(LOGIN_UID_FILE)).toEqual(["auid"]);
  });

  test("for tracepoint are the same on every kernel", () => {
    const missing = missingFields("tracepoint", () => true);
    expect(missing).toEqual(missingFields("tracepoint", () => false));
    for (const field of ["parent_start_ns", "euid", "egid", "auid", "start_ns", "args", "exit_code"])
      expect(missing).toContain(field);
  });

  const config = configuration();
  const reason = config === null ? "the kernel's configuration cannot be read here" : null;
  test.skipIf(reason !== null)(`for btf match the configuration of this kernel${reason ? ` (${reason})` : ""}`, () => {
    const counts = /^CONFIG_TASK_IO_ACCOUNTING=y$/m.test(config ?? "");
    const audits = /^CONFIG_AUDIT=y$/m.test(config ?? "");
    expect(missingFields("btf", existsSync)).toEqual([
      ...(audits ? [] : ["auid"]),
      ...(counts ? [] : ["read_bytes", "write_bytes"]),
    ]);
  });
});

function configuration(): string | null {
  try {
    return new TextDecoder().decode(Bun.gunzipSync(new Uint8Array(readFileSync("/proc/config.gz"))));
  } catch {
    return null;
  }
}
