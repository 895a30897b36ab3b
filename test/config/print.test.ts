import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Loaded, loadSettings, resolveAuto } from "../../src/config/load.ts";
import { defaultSettings, printSample, printSettings } from "../../src/config/print.ts";
import { SECTION_LIST } from "../../src/config/schema.ts";
import { envName } from "../../src/config/section.ts";

const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SAMPLE = join(import.meta.dir, "../../docs/linnix.toml");

function load(flags: Record<string, string[]>): Promise<Loaded> {
  return loadSettings({ flags: new Map(Object.entries(flags)), env: {}, defaultFile: null });
}

function print({ settings, origins }: Loaded): string {
  return printSettings(settings, resolveAuto(settings, { stdoutIsTty: false }), origins);
}

async function loadText(name: string, text: string): Promise<Loaded> {
  const path = join(directory, name);
  writeFileSync(path, text, { mode: 0o600 });
  return load({ config: [path] });
}

describe("printSettings", () => {
  test.each<[string, Record<string, string[]>]>([
    ["the defaults", {}],
    [
      "every setting",
      {
        format: ["pretty"],
        output: ["/tmp/a b#c.jsonl"],
        events: ["exit,fork"],
        detail: ["events"],
        "summary-interval": ["2m"],
        backend: ["btf"],
        "max-args": ["1000"],
        "page-faults": ["true"],
        pid: ["1", "2"],
        uid: ["0,4294967294"],
        comm: ["a b,#x", '"q"', "\\"],
        cgroup: ["18446744073709551615"],
        "min-duration": ["1500us"],
        "sample-interval": ["250ms"],
        "rss-threshold": ["64KiB"],
        listen: ["[::1]:3000"],
        "api-token-file": ["/etc/a b"],
        "api-socket-group": ["adm"],
        "api-allow-origin": ["https://a.example,http://localhost:8080"],
        "api-max-clients": ["1"],
        "api-history": ["0"],
        "api-history-size": ["2MiB"],
        "api-heartbeat": ["90s"],
        "api-cpu-budget": ["2.5%"],
        "metrics-groups": ["false"],
        "metrics-max-groups": ["7"],
        "metrics-by-comm": ["true"],
        "metrics-group-grace": ["90s"],
        "cpu-budget": ["0.25%"],
        "budget-floor": ["processes"],
        "storm-rate": ["12000"],
        redact: ["true"],
        "redact-pattern": ["token=(\\S{1,9})", "\"\\t'#"],
        "ring-size": ["64MiB"],
        watermark: ["1000"],
        "flush-interval": ["1.5s"],
        linger: ["0"],
        duration: ["90s"],
        user: ["nobody"],
        "log-level": ["debug"],
      },
    ],
    ["a path with control characters", { output: ["\u0001\u0002\t\n\u007f\u0085\u2028\u202e'\"\\é😀"] }],
    ["a very small percentage", { "cpu-budget": ["0.000000001"] }],
    ["a percentage of many digits", { "cpu-budget": ["99.123456789%"] }],
    ["a cgroup by path", { cgroup: ["/system.slice/x@y.service"] }],
  ])("prints text that is read back as the same settings: %s", async (name, flags) => {
    const loaded = await load(flags);
    const again = await loadText(`${name}.toml`, print(loaded));
    expect(again.settings).toEqual(loaded.settings);
    expect(again.warnings).toEqual([]);
  });

  test("the list above names every setting", async () => {
    const flags = SECTION_LIST.flatMap(([, { keys }]) => Object.values(keys).map(({ flag }) => flag));
    const source = readFileSync(import.meta.path, "utf8");
    for (const flag of flags) {
      expect(source).toMatch(new RegExp(`^ +"?${flag}"?: \\[`, "m"));
    }
  });

  test("prints the source of each setting, and the value of auto", async () => {
    const text = print(await load({ "ring-size": ["1MiB"] }));
    expect(text).toContain('size = "1MiB"  # --ring-size\n');
    expect(text).toContain('watermark = "auto"  # default; here: 512KiB\n');
    expect(text).toContain('format = "auto"  # default; here: jsonl\n');
    expect(text).toMatch(/^# user = .*# not set$/m);
  });

  test("prints no control characters", async () => {
    const text = print(await load({ output: ["\u001b]0;x\u0007\u009b2J\u202e"] }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is searched for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});

describe("docs/linnix.toml", () => {
  test("equals the output of printSample", () => {
    expect(readFileSync(SAMPLE, "utf8")).toBe(printSample());
  });

  test("equals the defaults", async () => {
    const { settings } = await load({ config: [SAMPLE] });
    expect(settings).toEqual(defaultSettings());
  });

  test("is valid also with its commented settings switched on", async () => {
    const text = readFileSync(SAMPLE, "utf8").replace(/^# (\w+ = )/gm, "$1");
    const { settings } = await loadText("uncommented.toml", text);
    expect(settings.output.file).toBe("/var/log/linnix.jsonl");
    expect(settings.run.user).toBe("linnix");
  });

  test("names every setting, its option and its variable", () => {
    const text = readFileSync(SAMPLE, "utf8");
    for (const [name, { keys }] of SECTION_LIST) {
      expect(text).toContain(`[${name}]\n`);
      for (const { toml, flag } of Object.values(keys)) {
        expect(text).toMatch(new RegExp(`^(# )?${toml} = `, "m"));
        expect(text).toContain(`(--${flag}, ${envName(flag)})`);
      }
    }
  });
});

test("no two settings share an option", () => {
  const flags = SECTION_LIST.flatMap(([, { keys }]) => Object.values(keys).map(({ flag }) => flag));
  expect(new Set(flags).size).toBe(flags.length);
});
