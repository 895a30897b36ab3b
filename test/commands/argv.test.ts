import { describe, expect, test } from "bun:test";
import { commandIndex, parseArgv } from "../../src/commands/argv.ts";
import { type OptionDefs, optionValue } from "../../src/commands/command.ts";
import { GLOBAL_OPTIONS } from "../../src/commands/globals.ts";
import { percent } from "../../src/config/values.ts";
import { EXIT, LinnixError } from "../../src/errors.ts";

const OPTIONS: OptionDefs = {
  size: { type: "string", description: "", valueHint: "SIZE" },
  pid: { type: "string", description: "", valueHint: "PID", multiple: true },
  quick: { type: "boolean", description: "", alias: "q" },
  "no-color": { type: "boolean", description: "" },
  verbose: { type: "boolean", description: "", alias: "V" },
  redact: { type: "boolean", description: "", bareValue: "true" },
};

function parse(argv: string[], rest = false) {
  return parseArgv(argv, OPTIONS, { command: "linnix x", rest });
}

function errorOf(argv: string[], rest = false): LinnixError {
  try {
    parse(argv, rest);
  } catch (error) {
    expect(error).toBeInstanceOf(LinnixError);
    expect((error as LinnixError).exitCode).toBe(EXIT.usage);
    return error as LinnixError;
  }
  throw new Error(`accepted: ${argv.join(" ")}`);
}

describe("parseArgv", () => {
  test("accepts a value after a space or after =", () => {
    expect([...parse(["--size", "1", "--pid=2", "--pid", "3,4", "--pid="]).words]).toEqual([
      ["size", ["1"]],
      ["pid", ["2", "3,4", ""]],
    ]);
  });

  test("accepts long and short switches, also twice", () => {
    expect([...parse(["--quick", "-q", "--no-color"]).switches]).toEqual(["quick", "no-color"]);
  });

  test("accepts several short switches in one word", () => {
    expect([...parse(["-qV"]).switches]).toEqual(["quick", "verbose"]);
  });

  test("an option with an optional value accepts the value only after =", () => {
    expect(parse(["--redact"]).words.get("redact")).toEqual(["true"]);
    expect(parse(["--redact=false"]).words.get("redact")).toEqual(["false"]);
    expect(errorOf(["--redact", "false"]).hint).toBe("if it is the value of --redact: --redact=false");
    expect(errorOf(["--redact=true", "false"]).hint).toBe("see linnix x --help");
  });

  test("accepts - as a value, and any text after =", () => {
    expect(parse(["--size", "-"]).words.get("size")).toEqual(["-"]);
    expect(parse(["--size=--quick"]).words.get("size")).toEqual(["--quick"]);
    expect(parse(["--size=a=b"]).words.get("size")).toEqual(["a=b"]);
  });

  test("returns the words after -- unchanged if the command accepts them", () => {
    expect(parse(["--quick", "--", "ls", "--size", "--"], true).rest).toEqual(["ls", "--size", "--"]);
    expect(parse(["--"], true).rest).toEqual([]);
    expect(parse(["--quick"], true).rest).toBeNull();
    expect(parse(["--"]).rest).toBeNull();
  });

  test.each<[string[], string, string, string]>([
    [["--sise", "1"], "unknown option --sise", "", "did you mean --size?"],
    [["--zzzzzz"], "unknown option --zzzzzz", "", "see linnix x --help"],
    [["-x"], "unknown option -x", "", "see linnix x --help"],
    [["-qx"], "unknown option -x", "", "see linnix x --help"],
    [["-q=1"], "unknown option -=", "", "see linnix x --help"],
    [["--="], "unknown option --=", "", "see linnix x --help"],
    [["---"], "unknown option ---", "", "see linnix x --help"],
    [["-5"], "unknown option -5", "", "see linnix x --help"],
    [["--constructor"], "unknown option --constructor", "", "see linnix x --help"],
    [["--__proto__=1"], "unknown option --__proto__", "", "see linnix x --help"],
    [["--no-quick"], "unknown option --no-quick", "", "--help"],
    [["--siz", "1"], "unknown option --siz", "", "did you mean --size?"],
    [["--size"], "--size", "needs a value", "expected --size SIZE"],
    [["--size", "--quick"], "--size", "--quick looks like an option", "--size=--quick"],
    [["--size", "--"], "--size", "-- looks like an option", "--size=--"],
    [["--size", "-1"], "--size", "-1 looks like an option", "--size=-1"],
    [["--size", "1", "--size=2"], '--size "2"', 'given before, with "1"', "once"],
    [["--quick=yes"], "--quick=yes", "takes no value", ""],
    [["word"], 'unexpected argument "word"', "options only", "see linnix x --help"],
    [["--quick", "--", "ls"], 'unexpected argument "ls"', "options only", "see linnix x --help"],
  ])("refuses %j", (argv, what, why, hint) => {
    const error = errorOf(argv);
    expect(error.what).toBe(what);
    expect(error.why ?? "").toContain(why);
    expect(error.hint ?? "").toContain(hint);
  });

  test("refuses a word before --, even if the command accepts words after it", () => {
    expect(errorOf(["ls", "--", "ls"], true).what).toBe('unexpected argument "ls"');
  });

  test("the error for a command without -- names --", () => {
    const error = errorOf(["--quick", "ls", "-l"], true);
    expect(error.what).toBe('unexpected argument "ls"');
    expect(error.why).toContain("a command only after --");
    expect(error.hint).toStartWith("write -- before a command: linnix x -- COMMAND");
  });
});

describe("commandIndex", () => {
  test.each<[string[], number]>([
    [["collect"], 0],
    [["--log-level", "debug", "collect"], 2],
    [["--log-level=debug", "collect", "x"], 1],
    [["--no-color", "collect"], 1],
    [["--help"], -1],
    [["--", "collect"], -1],
    [[], -1],
    [["--config"], -1],
  ])("%j → %d", (argv, index) => {
    expect(commandIndex(argv, GLOBAL_OPTIONS)).toBe(index);
  });
});

describe("optionValue", () => {
  const threshold = percent({ min: 0, max: 100, example: 1 });

  test("returns the value of an option that is not a setting, or its default", () => {
    expect(optionValue(parse(["--size", "0.5%"]), "size", threshold, 1)).toBe(0.5);
    expect(optionValue(parse([]), "size", threshold, 1)).toBe(1);
  });

  test.each(["x", "101", "-1%"])("refuses %j", (text) => {
    expect(() => optionValue(parse([`--size=${text}`]), "size", threshold, 1)).toThrow(`--size "${text}"`);
  });
});
