import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings, resolveAuto, type Sources } from "../../src/config/load.ts";
import { defaultSettings } from "../../src/config/print.ts";
import { EXIT, LinnixError } from "../../src/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

function load(flags: Record<string, string[]>, env: Sources["env"] = {}, defaultFile: string | null = null) {
  return loadSettings({ flags: new Map(Object.entries(flags)), env, defaultFile });
}

async function errorOf(...sources: Parameters<typeof load>): Promise<LinnixError> {
  const error = await load(...sources).then(
    () => new Error("accepted"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LinnixError);
  expect((error as LinnixError).exitCode).toBe(EXIT.usage);
  return error as LinnixError;
}

describe("loadSettings", () => {
  test("returns the defaults if nothing is set", async () => {
    const { settings, origins, file, warnings } = await load({});
    expect(settings).toEqual(defaultSettings());
    expect(new Set(origins.values())).toEqual(new Set(["default"]));
    expect(file).toBeNull();
    expect(warnings).toEqual([]);
  });

  test("prefers options to environment to file to defaults, and records the source of each value", async () => {
    const path = file("all.toml", "[ring]\nsize = '1MiB'\nwatermark = '4KiB'\n[run]\nduration = '1m'\n");
    const { settings, origins } = await load(
      { "ring-size": ["8MiB"] },
      { LINNIX_RING_SIZE: "4MiB", LINNIX_WATERMARK: "8KiB", LINNIX_FORMAT: "" },
      path,
    );
    expect(settings.ring.sizeBytes).toBe(8 * 1024 * 1024);
    expect(settings.ring.watermarkBytes).toBe(8 * 1024);
    expect(settings.run.durationMs).toBe(60_000);
    expect(settings.output.format).toBe("auto");
    expect(origins.get("ring.sizeBytes")).toBe("--ring-size");
    expect(origins.get("ring.watermarkBytes")).toBe("LINNIX_WATERMARK");
    expect(origins.get("run.durationMs")).toBe(`${path}:5`);
    expect(origins.get("output.format")).toBe("default");
  });

  test("an option replaces a list of the file; commas and repetition extend a list", async () => {
    const path = file("list.toml", "[filters]\npid = [1, 2]\nuid = [3]\n");
    const { settings } = await load({ pid: ["7,8", " 9 ", "7"] }, {}, path);
    expect(settings.filters.pids).toEqual([7, 8, 9]);
    expect(settings.filters.uids).toEqual([3]);
  });

  test("an option can reset a setting of the file", async () => {
    const path = file("back.toml", "[output]\nfile = '/x'\n[ring]\nwatermark = '4KiB'\n[run]\nduration = '1s'");
    const { settings } = await load({ output: ["-"], watermark: ["auto"], duration: ["0"] }, {}, path);
    expect(settings.output.file).toBeNull();
    expect(settings.ring.watermarkBytes).toBe("auto");
    expect(settings.run.durationMs).toBe(0);
  });

  test("reads the file of --config, else of LINNIX_CONFIG, else the default file", async () => {
    const [a, b, c] = ["1s", "2s", "3s"].map((text) => file(`${text}.toml`, `[run]\nduration = '${text}'\n`));
    const of = async (flags: Record<string, string[]>, env: Sources["env"]) =>
      (await load(flags, env, c as string)).settings.run.durationMs;
    expect(await of({ config: [a as string] }, { LINNIX_CONFIG: b })).toBe(1000);
    expect(await of({}, { LINNIX_CONFIG: b })).toBe(2000);
    expect(await of({}, { LINNIX_CONFIG: "" })).toBe(3000);
  });

  test("only the default file may be missing", async () => {
    const missing = join(directory, "missing.toml");
    expect((await load({}, {}, missing)).file).toBeNull();
    expect((await errorOf({ config: [missing] })).hint).toContain("--config");
    expect((await errorOf({}, { LINNIX_CONFIG: missing })).hint).toContain("LINNIX_CONFIG");
  });

  test("the default file may not be missing if the present settings came from it", async () => {
    const defaultFile = join(directory, "missing.toml");
    const again = loadSettings({ flags: new Map(), env: {}, defaultFile, needsDefaultFile: true });
    await expect(again).rejects.toThrow("no such file; put it back");
  });

  test("an empty --config is an error, and /dev/null stands for no file", async () => {
    expect((await errorOf({ config: [""] })).why).toContain("empty");
    const path = file("default.toml", "[run]\nduration = '3s'\n");
    expect((await load({ config: ["/dev/null"] }, {}, path)).settings.run.durationMs).toBe(0);
  });

  test("accepts fractions of a unit that are whole ms; a filter by lifetime is in ns", async () => {
    const { settings } = await load({
      "sample-interval": ["0.0125m"],
      "flush-interval": ["11000us"],
      linger: ["1.0ms"],
      "min-duration": ["1.000001ms"],
    });
    const { sampling, ring, retention } = settings;
    expect([sampling.intervalMs, ring.flushIntervalMs, retention.lingerMs]).toEqual([750, 11, 1]);
    expect(settings.filters.minDurationNs).toBe(1_000_001);
  });

  test("a wrong value in the file is an error even if an option replaces it", async () => {
    const path = file("wrong.toml", "[ring]\nsize = '1'\n");
    expect((await errorOf({ "ring-size": ["1MiB"] }, {}, path)).what).toContain("wrong.toml:2: ring.size");
  });

  test.each<[Record<string, string[]>, Sources["env"], string, string, string]>([
    [{ "ring-size": ["300KiB"] }, {}, '--ring-size "300KiB"', "not a power of two", "such as 256KiB"],
    [{}, { LINNIX_RING_SIZE: "x" }, 'LINNIX_RING_SIZE "x"', "not a size", "such as 256KiB"],
    [{ format: ["json"] }, {}, '--format "json"', "none of the choices", "did you mean jsonl?"],
    [{ events: ["fork,exce"] }, {}, '--events "exce"', "none of the choices", "did you mean exec?"],
    [{ events: [""] }, {}, '--events ""', "none of the choices", "fork, exec, exit"],
    [{ pid: ["1,abc"] }, {}, '--pid "abc"', "not a whole number", "a process id from 1"],
    [{ pid: ["1,,2"] }, {}, '--pid ""', "not a whole number", "a process id from 1"],
    [
      {
        pid: [
          Array(65)
            .fill(0)
            .map((_, i) => i + 1)
            .join(),
        ],
      },
      {},
      "--pid",
      "more than 64 values",
      "1 to 4194304",
    ],
    [{ comm: ["\ufffd"] }, {}, "--comm", "not UTF-8", "1 to 15 bytes"],
    [{ comm: ["a\u001b[2J"] }, {}, "--comm", "control characters", "1 to 15 bytes"],
    [{ output: ["a\ufffd"] }, {}, "--output", "not UTF-8", "the path of a file"],
    [{ "api-token-file": ["a\ufffd"] }, {}, "--api-token-file", "not UTF-8", "the path of a file"],
    [{}, { LINNIX_OUTPUT: "a\ufffd" }, "LINNIX_OUTPUT", "not UTF-8", "the path of a file"],
    [{ config: ["a\ufffd"] }, {}, "the configuration file", "not UTF-8", "make a link to it"],
    [{ output: ["a\0b"] }, {}, "--output", "NUL", "the path of a file"],
    [{ duration: ["10"] }, {}, '--duration "10"', "has no unit", "such as 10s"],
    [{ duration: ["500us"] }, {}, '--duration "500us"', "not a whole number of ms", "such as 10s"],
    [{ "sample-interval": ["10.5ms"] }, {}, "--sample-interval", "not a whole number of ms", "from 10ms to 1h"],
    [{ "flush-interval": ["10.000001ms"] }, {}, "--flush-interval", "not a whole number of ms", "from 10ms to 1m"],
    [{ linger: ["1.0005s"] }, {}, "--linger", "not a whole number of ms", "such as 30s"],
    [{}, { LINNIX_API_HEARTBEAT: "1000001us" }, "LINNIX_API_HEARTBEAT", "not a whole number of ms", "such as 15s"],
    [{ duration: ["575.999999999h"] }, {}, "--duration", "not a whole number of ms", "from 0 to 576h"],
    [{ duration: ["577h"] }, {}, "--duration", "more than 576h", "from 0 to 576h"],
    [{ "log-level": ["loud"] }, {}, '--log-level "loud"', "none of the choices", "silent, error"],
  ])("refuses %p %p", async (flags, env, what, why, hint) => {
    const error = await errorOf(flags, env);
    expect(error.what).toContain(what);
    expect(error.why).toContain(why);
    expect(error.hint).toContain(hint);
  });

  test("refuses a watermark that the ring cannot reach, and names the sources of both", async () => {
    const error = await errorOf({ watermark: ["512KiB"] });
    expect(error.what).toBe("--watermark 512KiB");
    expect(error.why).toBe('more than the ring holds: ring.size = "auto" (default)');
    expect(error.hint).toBe("expected at most 256KiB, or auto for half of the ring");
    const path = file("ring.toml", "[ring]\nwatermark = '1MiB'\n");
    const other = await errorOf({ "ring-size": ["64KiB"] }, {}, path);
    expect(other.what).toBe(`${path}:2: ring.watermark = "1MiB"`);
    expect(other.why).toContain("--ring-size 64KiB");
  });

  test("refuses a filter of exits without exit events", async () => {
    const error = await errorOf({ events: ["fork,exec"], "min-duration": ["1s"] });
    expect(error.what).toBe("--min-duration 1s");
    expect(error.why).toContain("--events fork,exec");
  });

  test("refuses a choice of events if the level of detail reports none", async () => {
    const error = await errorOf({ events: ["exit"], detail: ["summary"] });
    expect(error.what).toBe("--events exit");
    expect(error.why).toContain("--detail summary");
    const all = await errorOf({ events: ["fork,exec,exit"] }, { LINNIX_DETAIL: "processes" });
    expect(all.why).toContain("LINNIX_DETAIL processes");
    expect((await errorOf({ detail: ["summary"] }, { LINNIX_EVENTS: "fork" })).what).toBe("LINNIX_EVENTS fork");
    const path = file("detail.toml", "[probes]\nevents = ['exit']\ndetail = 'summary'\n");
    expect((await errorOf({}, {}, path)).what).toBe(`${path}:2: probes.events = "exit"`);
  });

  test("accepts the output of --print-config at another level of detail", async () => {
    const path = file("printed.toml", "[probes]\nevents = ['fork', 'exec', 'exit']\ndetail = 'summary'\n");
    expect((await load({}, {}, path)).settings.probes.detail).toBe("summary");
  });

  test("refuses patterns without redaction: nothing would be hidden", async () => {
    const path = file("patterns.toml", "[redaction]\nredact = false\npatterns = ['x']\n");
    const error = await errorOf({}, {}, path);
    expect(error.what).toBe(`${path}:3: redaction.patterns = "x"`);
    expect(error.why).toContain(`redaction.redact = false (${path}:2)`);
    expect((await load({ redact: ["true"] }, {}, path)).settings.redaction).toEqual({ redact: true, patterns: ["x"] });
  });

  test("refuses page faults with a backend that has none", async () => {
    const path = file("faults.toml", "[probes]\nbackend = 'tracepoint'\npage_faults = true\n");
    const error = await errorOf({}, {}, path);
    expect(error.what).toBe(`${path}:3: probes.page_faults = true`);
    expect(error.why).toBe(`only the btf backend reports page faults: probes.backend = "tracepoint" (${path}:2)`);
    const other = await errorOf({ "page-faults": ["true"] }, { LINNIX_BACKEND: "tracepoint" });
    expect(other.what).toBe("--page-faults=true");
    expect(other.why).toContain("LINNIX_BACKEND tracepoint");
    // With backend auto, the kernel decides.
    expect((await load({ backend: ["auto"] }, {}, path)).settings.probes.pageFaults).toBe(true);
    expect((await load({ "page-faults": ["false"] }, {}, path)).settings.probes.backend).toBe("tracepoint");
  });

  test("a pattern keeps its commas and spaces: several patterns need repetition", async () => {
    const { settings } = await load({ redact: ["true"], "redact-pattern": ["a{1,2}", " b"] });
    expect(settings.redaction.patterns).toEqual(["a{1,2}", " b"]);
  });

  test("a token in the environment is neither a setting nor an unknown variable", async () => {
    const { warnings, settings } = await load({}, { LINNIX_API_TOKEN: "sesame" });
    expect(warnings).toEqual([]);
    expect(JSON.stringify(settings)).not.toContain("sesame");
  });

  test("warns of an unknown LINNIX_ variable", async () => {
    const { warnings } = await load({}, { LINNIX_RING_SIZ: "1MiB", LINNIX_CONFIG: "", PATH: "/bin" });
    expect(warnings).toEqual([expect.stringContaining("did you mean LINNIX_RING_SIZE?")]);
  });
});

describe("resolveAuto", () => {
  const settings = defaultSettings();

  test("selects pretty and a short flush interval on a terminal, JSON Lines elsewhere", () => {
    const onTerminal = resolveAuto(settings, { stdoutIsTty: true });
    expect(onTerminal.output.format).toBe("pretty");
    expect(onTerminal.ring.flushIntervalMs).toBe(200);
    const elsewhere = resolveAuto(settings, { stdoutIsTty: false });
    expect(elsewhere.output.format).toBe("jsonl");
    expect(elsewhere.ring.flushIntervalMs).toBe(1000);
  });

  test("selects JSON Lines for a file", () => {
    const resolved = resolveAuto({ ...settings, output: { format: "auto", file: "/x" } }, { stdoutIsTty: true });
    expect(resolved.output.format).toBe("jsonl");
    expect(resolved.ring.flushIntervalMs).toBe(1000);
  });

  test.each([
    [1, 256],
    [16, 256],
    [64, 256],
    [65, 128],
    [128, 128],
    [129, 64],
    [1024, 64],
  ])("the rings of %d CPUs have %d KiB each, and their watermark is half of that", (cpus, kib) => {
    const { ring } = resolveAuto(settings, { stdoutIsTty: false, cpus });
    expect([ring.sizeBytes, ring.watermarkBytes]).toEqual([kib * 1024, kib * 512]);
  });

  test("an automatic ring has room for the configured watermark", () => {
    const ring = { ...settings.ring, watermarkBytes: 200 * 1024 };
    for (const cpus of [1, 1024]) {
      const resolved = resolveAuto({ ...settings, ring }, { stdoutIsTty: false, cpus }).ring;
      expect([resolved.sizeBytes, resolved.watermarkBytes]).toEqual([256 * 1024, 200 * 1024]);
    }
  });

  test("the watermark is half of the ring", () => {
    const ring = { ...settings.ring, sizeBytes: 4096 };
    expect(resolveAuto({ ...settings, ring }, { stdoutIsTty: false }).ring.watermarkBytes).toBe(2048);
  });

  test("configured values stay", () => {
    const ring = { sizeBytes: 4096, watermarkBytes: 64, flushIntervalMs: 10 };
    const resolved = resolveAuto({ ...settings, ring, output: { format: "none", file: null } }, { stdoutIsTty: true });
    expect(resolved.ring).toEqual(ring);
    expect(resolved.output.format).toBe("none");
  });
});
