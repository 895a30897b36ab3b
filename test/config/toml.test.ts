import { describe, expect, test } from "bun:test";
import { printSample } from "../../src/config/print.ts";
import { parseToml } from "../../src/config/toml.ts";
import { EXIT, LinnixError } from "../../src/errors.ts";

function errorOf(text: string): LinnixError {
  try {
    parseToml(text, "linnix.toml");
  } catch (error) {
    if (error instanceof LinnixError) {
      return error;
    }
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe("parseToml", () => {
  test("returns the settings of a document, converted, with their lines", () => {
    const text =
      '[ring]\nsize = "1MiB"\nwatermark = "auto"\n[filters]\npid = [1, 2, 1]\n[probes]\nevents = ["exit", "fork"]';
    expect(parseToml(text, "x")).toEqual([
      { section: "probes", property: "events", value: ["fork", "exit"], line: 7 },
      { section: "filters", property: "pids", value: [1, 2], line: 5 },
      { section: "ring", property: "sizeBytes", value: 1_048_576, line: 2 },
      { section: "ring", property: "watermarkBytes", value: "auto", line: 3 },
    ]);
  });

  test.each([
    ["an empty document", ""],
    ["empty tables", "[ring]\n[run]\n"],
    ["bytes as a number", "[ring]\nsize = 262144"],
    ["0 without a unit", "[run]\nduration = 0"],
    ["dotted keys", "ring.size = '1MiB'"],
    ["an inline table", "ring = { size = '1MiB' }"],
    ["a cgroup by id, as number and as text", "[filters]\ncgroup = 4242"],
    ["a cgroup by an id that is no TOML integer", "[filters]\ncgroup = '18446744073709551615'"],
  ])("accepts %s", (_, text) => {
    parseToml(text, "x");
  });

  // Each entry has document, place and key, cause and hint.
  test.each<[string, string, string, string]>([
    ["a = \n", "linnix.toml:1", "not TOML: unexpected character", ""],
    ["\n[ring]\nsize = 256KiB", "linnix.toml:3", "not TOML", 'quotes: "256KiB"'],
    ["[output]\nformat = pretty # x", "linnix.toml:2", "not TOML", 'quotes: "pretty"'],
    ["[probes]\nevents = [fork, exec]", "linnix.toml:2", "not TOML", 'quotes: "fork"'],
    ["[probes]\nevents = [\n  'fork',\n  exec\n]", "linnix.toml:4", "not TOML", 'quotes: "exec"'],
    ["[api]\nlisten = 127.0.0.1:3000", "linnix.toml:2", "not TOML", 'quotes: "127.0.0.1:3000"'],
    ["[redaction]\nredact = Yes", "linnix.toml:2", "not TOML", "expected true or false"],
    ['[redaction]\npatterns = ["\\S+"]', "linnix.toml:2", 'unknown escape character "S"', "in single quotes"],
    ["[run]\n\n\n\nduration = 1979-13-45\nuser = 'x'", "linnix.toml:5", "no such date or time", ""],
    ["[ring] size = '1MiB'", "linnix.toml:1", "not TOML", ""],
    ["a = 'x\n", "linnix.toml:1", "unterminated string", ""],
    ["\na = '''x\n", "linnix.toml:2", "it ends too early: unterminated multi-line string", ""],
    ["[probes]\nevents = [\n  'fork',\n\n\n", "linnix.toml:3", "ends too early: unterminated inline array", ""],
    ['a = "\\q"', "linnix.toml:1", 'unknown escape character "q"', ""],
    ["!", "linnix.toml:1", 'unexpected character "!"', ""],
    ["[ring]\n\nsze = '1MiB'", "linnix.toml:3: ring.sze", "unknown key of [ring]", "did you mean ring.size?"],
    ["ring_size = '1MiB'", "linnix.toml:1: ring_size", "unknown key", "did you mean ring.size?"],
    ["[output]\nring_size = '1MiB'", "linnix.toml:2: output.ring_size", "unknown key", "did you mean ring.size?"],
    ["[rign]\nsize = '1MiB'", "linnix.toml:1: rign", "unknown key or table", "did you mean [ring]?"],
    ["[ring]\nzzzzzz = 1", "linnix.toml:2: ring.zzzzzz", "unknown key", "known here: size, watermark"],
    ["[zzzzzz]\n", "linnix.toml:1: zzzzzz", "unknown key or table", "known here: [output], [probes]"],
    ["__proto__ = 1", "linnix.toml:1: __proto__", "unknown key", "known here"],
    ["[__proto__]\nx = 1", "linnix.toml:1: __proto__", "unknown key", "known here"],
    ["[ring]\nconstructor = 1", "linnix.toml:2: ring.constructor", "unknown key", "known here"],
    ["[ring]\n'a\\nb' = 1", 'linnix.toml:2: ring."a\\\\nb"', "unknown key", "known here"],
    ["ring = 3", "linnix.toml:1: ring", "a number, not a table", ""],
    ["[[ring]]\nsize = 1", "linnix.toml:1: ring", "a list, not a table", ""],
    ["[ring]\nwatermark = true", "linnix.toml:2: ring.watermark = true", "a boolean", "expected auto, or a size from"],
    ["[ring]\nsize = '300KiB'", 'linnix.toml:2: ring.size = "300KiB"', "not a power of two", "such as 256KiB"],
    ["[ring]\nsize = '1KiB'", 'ring.size = "1KiB"', "less than 4KiB", "from 4KiB to 64MiB"],
    ["[ring]\nsize = '128MiB'", 'ring.size = "128MiB"', "more than 64MiB", "from 4KiB to 64MiB"],
    ["[ring]\nsize = inf", "ring.size = Infinity", "not a finite number", "expected"],
    ["[ring.size]\nx = 1", "linnix.toml:1: ring.size", "a table", "expected auto, or a power of two"],
    ["[ring]\nflush_interval = '1ms'", "ring.flush_interval", "less than 10ms", "from 10ms to 1m"],
    ["[run]\nduration = 10", "linnix.toml:2: run.duration = 10", "has no unit", "such as 10s"],
    ["[run]\nduration = '10'", 'run.duration = "10"', "has no unit", "such as 10s"],
    ["[run]\nduration = '600h'", "run.duration", "more than 576h", "expected"],
    ["[run]\nuser = ''", 'run.user = ""', "empty", "such as linnix"],
    ["[run]\nuser = 'a b'", "run.user", "not an account name", "such as linnix"],
    ["[probes]\nevents = 'fork'", 'probes.events = "fork"', "a string", "a list of 1 to 3"],
    ["[probes]\nevents = []", "linnix.toml:2: probes.events", "an empty list", "a list of 1 to 3"],
    ["[probes]\nevents = ['fork',\n\n'exce']", 'linnix.toml:4: probes.events[1] = "exce"', "none of", "mean exec?"],
    ["[probes]\nbackend = 'bft'", 'probes.backend = "bft"', "none of the choices", "did you mean btf?"],
    ["[probes]\nmax_args = '16KiB'", "probes.max_args", "more than 15KiB", "expected a size from 0"],
    ["[filters]\npid = [1, 'x']", 'linnix.toml:2: filters.pid[1] = "x"', "not a whole number", "a process id"],
    ["[filters]\npid = [1.5]", "filters.pid[0] = 1.5", "not a whole number", "a process id"],
    ["[filters]\npid = [0]", "filters.pid[0] = 0", "less than 1", "a process id"],
    ["[filters]\npid = 1", "filters.pid = 1", "a number", "a list"],
    ["[filters]\nuid = [-1]", "filters.uid[0] = -1", "less than 0", "a numeric user id"],
    ["[filters]\ncomm = ['abcdefghijklmnop']", "filters.comm[0]", "16 bytes long", "1 to 15 bytes"],
    ["[filters]\ncomm = ['ääääääää']", "filters.comm[0]", "16 bytes long", "1 to 15 bytes"],
    ["[filters]\ncomm = ['']", "filters.comm[0]", "empty", "1 to 15 bytes"],
    ["[filters]\ncgroup = 'x'", "filters.cgroup", "neither an absolute path nor a number", "such as"],
    ["[filters]\ncgroup = '/a/../b'", "filters.cgroup", "has . or .. in it", "such as"],
    ["[filters]\ncgroup = 1979-05-27", "linnix.toml:2: filters.cgroup", "a date or time", "such as"],
    ["[output]\nformat = 'josnl'", 'output.format = "josnl"', "none of the choices", "did you mean jsonl?"],
    ["[output]\nfile = ''", 'output.file = ""', "empty", "the path of a file"],
    ["[probes]\npage_faults = 'yes'", 'probes.page_faults = "yes"', "neither true nor false", "true or false"],
    ["[sampling]\ninterval = '1ms'", "sampling.interval", "less than 10ms", "0, or a duration from 10ms to 1h"],
    ["[sampling]\ninterval = '10.5ms'", "sampling.interval", "not a whole number of ms", "such as 1s"],
    ["[sampling]\ninterval = 5", "linnix.toml:2: sampling.interval = 5", "has no unit", "such as 1s"],
    ["[sampling]\ninterval = '2h'", "sampling.interval", "more than 1h", "to 1h"],
    ["[sample]\ninterval = '1s'", "linnix.toml:1: sample", "unknown key or table", "known here"],
    ["[sampling]\nsample_interval = '1s'", "sampling.sample_interval", "unknown key", "mean sampling.interval?"],
    ["[budget]\ncpu = '1 percent'", "budget.cpu", "not a percentage", "such as 1 or 1%"],
    ["[budget]\ncpu = -1", "budget.cpu = -1", "less than 0%", "from 0 to 100"],
    ["[budget]\ncpu = 101", "budget.cpu = 101", "more than 100%", "from 0 to 100"],
    ["[budget]\ncpu = 0.0000000001", "budget.cpu = 1e-10", "too many digits", "from 0 to 100"],
    ["[budget]\ncpu = 33.333333333333336", "budget.cpu", "too many digits", "from 0 to 100"],
    ["[budget]\ncpu = nan", "budget.cpu", "not a finite number", "such as 1 or 1%"],
    ["[api]\nlisten = '3000'", "api.listen", "not HOST:PORT", "such as 127.0.0.1:3000"],
    ["[api]\nlisten = 3000", "api.listen = 3000", "a number", "such as 127.0.0.1:3000"],
    ["[api]\nlisten = '127.0.0.1'", "api.listen", "has no port", "such as 127.0.0.1:3000"],
    ["[api]\nlisten = '127.0.0.256:1'", "api.listen", "the host is no address", "an IP address or localhost"],
    ["[api]\nlisten = 'example.org:80'", "api.listen", "the host is no address", "an IP address or localhost"],
    ["[api]\nlisten = '::1:3000'", "api.listen", "not HOST:PORT", "[::1]:3000"],
    ["[api]\nlisten = '[::g]:3000'", "api.listen", "the host is no address", "[::1]:3000"],
    ["[api]\nlisten = '0.0.0.0:65536'", "api.listen", "no port is more than 65535", "HOST:PORT"],
    ["[api]\nlisten = 'unix:run/x'", "api.listen", "not the absolute path", "unix:/PATH"],
    [`[api]\nlisten = 'unix:/${"x".repeat(107)}'`, "api.listen", "at most 107 bytes", "unix:/PATH"],
    ["[api]\ntoken_file = ''", "api.token_file", "empty", "the path of a file"],
    ["[api]\nallow_origins = ['*']", "api.allow_origins[0]", "too many", "such as https://dash.example"],
    ["[api]\nallow_origins = ['https://a.example/']", "api.allow_origins[0]", "write it https://a.example", "such as"],
    ["[api]\nallow_origins = ['a.example']", "api.allow_origins[0]", "not an origin", "such as"],
    ["[api]\nmax_clients = 0", "api.max_clients = 0", "less than 1", "a number of clients from 1"],
    ["[api]\nhistory = 1.5", "api.history = 1.5", "not a whole number", "a number of events"],
    ["[api]\nheartbeat = '100ms'", "api.heartbeat", "less than 1s", "from 1s to 5m"],
    ["[redaction]\nredact = 1", "redaction.redact = 1", "a number", "true or false"],
    ["[redaction]\npatterns = ['(']", 'redaction.patterns[0] = "("', "a ( without its )", "a regular expression"],
    ["[redaction]\npatterns = ['a', '']", "redaction.patterns[1]", "empty", "a regular expression"],
    ["[redaction]\npatterns = ['(a)\\1']", "redaction.patterns[0]", "not supported", "a regular expression"],
    ["[log]\nlevel = 'wran'", 'log.level = "wran"', "none of the choices", "did you mean warn?"],
  ])("refuses %j", (text, what, why, hint) => {
    const error = errorOf(text);
    expect(error.exitCode).toBe(EXIT.usage);
    expect(error.what).toContain(what);
    expect(error.why).toContain(why);
    expect(error.hint ?? "").toContain(hint);
  });

  test("accepts lines that end in CR LF: the same settings, from the same lines", () => {
    // The commented settings are switched on, and other comments stay.
    const text = printSample().replace(/^# (\w+ = )/gm, "$1");
    expect(text).toContain("\n# ");
    const withCrLf = text.replaceAll("\n", "\r\n");
    expect(parseToml(withCrLf, "x")).toEqual(parseToml(text, "x"));
    const lines = ["[redaction]", "redact = true # x", "patterns = [ # y", "  '''", "a", "b''',", "]", "[run]", ""];
    const begun = lines.join("\r\n");
    const settings = parseToml(`${begun}user = 'x'`, "x");
    expect(settings).toMatchObject([{ line: 2 }, { value: ["a\nb"], line: 3 }, { value: "x", line: 9 }]);
    expect(errorOf(`# x\r\n${begun}zzz = 1\r\n`).what).toBe("linnix.toml:10: run.zzz");
    const { what, hint } = errorOf(`# x\r\n${begun}user = x\r\n`);
    expect([what, hint]).toEqual(["linnix.toml:10", 'text stands in quotes: "x"']);
  });

  test.each([
    ["behind a value", "# x\n[ring]\nsize = '1MiB'\r"],
    ["as a line end", "\n\n[ring]\rsize = '1MiB'"],
    ["within a value", "\n\nsize = '1\rMiB'"],
    ["within a string of many lines", "[a]\r\nx = '''\r\n\r'''"],
    ["in a comment", "\r\n\r\n# a\rb\r\n"],
    ["twice before a line feed", "\n\n\r\r\n"],
  ])("refuses a CR that no LF follows: %s", (_, text) => {
    const { exitCode, what, why } = errorOf(text);
    expect([exitCode, what]).toEqual([EXIT.usage, "linnix.toml:3"]);
    expect(why).toBe("not TOML: a carriage return without a line feed");
  });

  test.each<[string, string, string]>([
    ["[ring]\nsize = '1MiB'\nsize = '2MiB'", "linnix.toml:3", "ring.size is already there, in line 2"],
    ["[ring]\n'size' = 1\n\"si\\u007ae\" = 2", "linnix.toml:3", "ring.size is already there, in line 2"],
    ["[ring]\nsize = '''\n[x]'''\nsize = '''\n[y]'''", "linnix.toml:5", "ring.size is already there, in line 2"],
    ["[ring]\nsize = 1\nsize.x.y = 2", "linnix.toml:3", "ring.size is already there, in line 2"],
    ["ring = { size = 1, size = 2 }", "linnix.toml:1", "ring.size is already there"],
    ["ring = 1\nring = { size = 1 }", "linnix.toml:2", "ring is already there, in line 1"],
    ["[a]\nb = [1, 2]\nc = { d = 1, d = 2 }", "linnix.toml:3", "a.c.d is already there"],
    ["[ring]\nsize = 1\n[run]\n[ring]\n", "linnix.toml:4", "[ring] is already there, in line 1"],
    ["ring.size = 1\n[ring]\n", "linnix.toml:2", "[ring] is already there, in line 1"],
    ["[ring]\n[[ring]]", "linnix.toml:2", "[ring] is already there, in line 1"],
  ])("names the repeated table or key, without a hint: %j", (text, what, why) => {
    const error = errorOf(text);
    expect([error.what, error.why, error.hint]).toEqual([what, `not TOML: ${why}`, undefined]);
  });

  test.each<[string, number, string, string | undefined]>([
    ["\n[sampling\ninterval = '1s'", 2, "the name of a table ends with ]", "expected [sampling]"],
    ["  [ sampling # x", 1, "the name of a table ends with ]", "expected [sampling]"],
    ["[[sampling]\n", 1, "the name of a table ends with ]", "expected [sampling]"],
    ['["a b"\n', 1, "the name of a table ends with ]", undefined],
    [`[${"a".repeat(200_000)}\n`, 1, "the name of a table ends with ]", undefined],
    ["[a b]", 1, "unexpected character, expected whitespace, . or ]", undefined],
    ["[budget]\ncpu = 00.5", 2, "a number with a zero before it", "expected 0.5"],
    ["cpu = 05", 1, "a number with a zero before it", "expected 5"],
    ["\ncpu = -05", 2, "a number with a zero before it", "expected -5"],
    ["[filters]\npid = [1,\n 00123 ]", 3, "a number with a zero before it", "expected 123"],
    ["duration = 05s", 1, "neither a number nor a date", 'text stands in quotes: "05s"'],
  ])("reports the problem with a matching hint: %#", (text, line, why, hint) => {
    const error = errorOf(text);
    expect([error.what, error.why, error.hint]).toEqual([`linnix.toml:${line}`, `not TOML: ${why}`, hint]);
  });

  test.each<[string, string]>([
    ["[ring]\nKEY = 1", "linnix.toml:2: ring.CUT"],
    ["KEY = 1", "linnix.toml:1: CUT"],
    ["[KEY.KEY]", "linnix.toml:1: CUT"],
    ["[ring]\n'KEY ' = 1", 'linnix.toml:2: ring."CUT"'],
  ])("cuts a long key, as values are cut: %s", (text, what) => {
    const error = errorOf(text.replaceAll("KEY", "k".repeat(200_000)));
    expect(error.what).toBe(what.replace("CUT", `${"k".repeat(80)}…`));
    expect(error.message.length).toBeLessThan(400);
  });

  test("cuts a long repeated key", () => {
    const long = `${"k".repeat(200_000)} = 1\n`;
    expect(errorOf(long + long).why).toBe(`not TOML: ${"k".repeat(80)}… is already there, in line 1`);
    const parts = `${"a.".repeat(100_000)}a = 1\n`;
    expect(errorOf(parts + parts).why).toBe("not TOML: a.a.a.a… is already there, in line 1");
  });

  test("refuses an integer that the parser wraps round to a small one", () => {
    const error = errorOf("[filters]\npid = [18446744073709551620]");
    expect(error.what).toBe("linnix.toml:2: filters.pid[0]");
    expect(error.why).toBe("a number too big");
  });

  test("handles a key of very many parts quickly", () => {
    const error = errorOf(`${"a.".repeat(100_000)}a = 1`);
    expect(error.what).toBe("linnix.toml:1: a");
  });

  test("names the first problem in the file", () => {
    expect(errorOf("[run]\nduration = 1\n[output]\nformat = 'x'\nfoo = 1\n").what).toContain("linnix.toml:2:");
    expect(errorOf("[run]\nfoo = 1\n[output]\nformat = 'x'\n").what).toContain("linnix.toml:2:");
  });

  test("refuses 65 values of a filter", () => {
    const error = errorOf(`[filters]\nuid = [${Array.from({ length: 65 }, (_, uid) => uid)}]`);
    expect(error.why).toBe("has more than 64 values");
  });
});
