import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostReader, readFailure, readNumber, readText } from "../../src/doctor/host-reader.ts";

// The tests start real programs, and the machine may be busy.
setDefaultTimeout(60_000);

function temporaryRoot() {
  const root = mkdtempSync(join(tmpdir(), "linnix-host-"));
  return { root, host: hostReader(root), [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

describe("files", () => {
  test("are read as bytes, text and number", () => {
    using place = temporaryRoot();
    writeFileSync(join(place.root, "number"), "-1\n");
    writeFileSync(join(place.root, "text"), "abc\n");
    expect(readNumber(place.host, "/number")).toBe(-1);
    expect(readNumber(place.host, "/text")).toBeNull();
    expect(readText(place.host, "/text")).toBe("abc");
    const result = place.host.readFile("/text", 2);
    expect(result.ok && [...result.bytes]).toEqual([97, 98]);
  });

  test("that do not exist, or are not files, return the reason", () => {
    using place = temporaryRoot();
    mkdirSync(join(place.root, "directory"));
    symlinkSync("loop", join(place.root, "loop"));
    expect(readFailure(place.host, "/nothing")).toBe("absent");
    expect(readFailure(place.host, "/directory")).toBe("absent");
    expect(readFailure(place.host, "/loop")).toBe("failed");
    expect(readText(place.host, "/nothing")).toBeNull();
    expect(place.host.list("/nothing")).toEqual([]);
    expect(place.host.readLink("/directory")).toBeNull();
    expect(place.host.exists("/directory")).toBeTrue();
    expect(place.host.exists("/nothing")).toBeFalse();
  });

  test("with bytes that are not UTF-8 have U+FFFD in their place", () => {
    using place = temporaryRoot();
    writeFileSync(join(place.root, "bytes"), Uint8Array.of(0x61, 0xff, 0x62));
    expect(readText(place.host, "/bytes")).toBe("a\uFFFDb");
  });

  test("of procfs, which have size 0, are read whole", () => {
    const text = readText(hostReader(), "/proc/self/status");
    expect(text).toContain("CapEff:");
  });

  test("that are FIFOs do not block the reader", async () => {
    using place = temporaryRoot();
    await hostReader().run(["/usr/bin/mkfifo", join(place.root, "fifo")]);
    expect(readText(place.host, "/fifo")).toBe("");
  });
});

describe("programs", () => {
  const host = hostReader();
  const sh = (script: string, limitMs?: number) => host.run(["/bin/sh", "-c", script], limitMs);

  test("are found in the fixed PATH and nowhere else", () => {
    using place = temporaryRoot();
    expect(host.which("sh")).toMatch(/^\/(usr\/)?bin\/sh$/);
    expect(host.which("../bin/nothing-of-this-name")).toBeNull();
    mkdirSync(join(place.root, "usr/bin/directory"), { recursive: true });
    writeFileSync(join(place.root, "usr/bin/not-executable"), "", { mode: 0o644 });
    expect(place.host.which("directory")).toBeNull();
    expect(place.host.which("not-executable")).toBeNull();
  });

  test("return their exit code and both outputs", async () => {
    expect(await sh("echo out; echo err >&2; exit 3")).toEqual({ exitCode: 3, output: "out\nerr\n" });
  });

  test("that do not exist return null", async () => {
    expect(await host.run(["/nothing/of/this/name"])).toBeNull();
  });

  test("run with a minimal environment, without input and in /", async () => {
    const result = await sh("cat; pwd; env | sort | grep -vE '^(PWD|SHLVL|_|OLDPWD)='");
    expect(result?.output).toBe("/\nLC_ALL=C\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
  });

  test("are killed at the time limit, with their children", async () => {
    const result = await sh("sleep 1000 & echo $!; sleep 1000", 2000);
    expect(result?.exitCode).toBeNull();
    const pid = Number(result?.output);
    expect(pid).toBeGreaterThan(1);
    // The child dies when it is next scheduled, and may be reaped late: it only must not run any longer.
    const state = () => readText(host, `/proc/${pid}/stat`)?.split(") ")[1]?.[0] ?? "gone";
    for (let i = 0; i < 500 && !["gone", "Z", "X"].includes(state()); i++) await Bun.sleep(10);
    expect(["gone", "Z", "X"]).toContain(state());
  });

  test("that print without end are killed, and their output is cut", async () => {
    const result = await host.run(["/usr/bin/yes"]);
    expect(result?.exitCode).not.toBe(0);
    expect(result?.output.length).toBeLessThanOrEqual(2 * (16 << 10));
    expect(result?.output).toStartWith("y\ny\n");
  });
});
