import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { redactorOf } from "../../src/process/redact.ts";

/** Arguments in the kernel's form; `|` stands for NUL. */
const bytesOf = (text: string) => new TextEncoder().encode(text.replaceAll("|", "\0"));

/** Redacts by patterns. A text that does not end in `|` counts as cut. */
function redacted(text: string, ...patterns: string[]): string {
  const redact = redactorOf({ redact: true, patterns });
  return new TextDecoder().decode(redact?.(bytesOf(text), !text.endsWith("|"))).replaceAll("\0", "|");
}

/** The patterns that docs/configuration.md recommends. */
const [USUAL = "", URL_PASSWORD = ""] = [
  ...readFileSync(join(import.meta.dir, "../../docs/configuration.md"), "utf8").matchAll(/^ {2}'(.+)',$/gm),
].map(([, pattern]) => pattern as string);

describe("redactorOf", () => {
  test("returns undefined if redaction is off and there are no patterns", () => {
    expect(redactorOf({ redact: false, patterns: [] })).toBeUndefined();
  });

  test.each<[string, string]>([
    ["", ""],
    ["ls|", "ls|"],
    ["ls", "ls"],
    ["ls|-l|/tmp|", "ls|[redacted]|[redacted]|"],
    // The last argument is cut.
    ["ls|-l|/tm", "ls|[redacted]|[redacted]"],
    ["ls||-l||", "ls||[redacted]||"],
    ["|a|", "|[redacted]|"],
    // Programs that set their title put all of it in the first argument.
    ["nginx: worker process|", "nginx: [redacted]|"],
    ["browser --type=renderer --key=geheim|||", "browser [redacted]|||"],
    ["browser\t--key=geheim|-v|", "browser\t[redacted]|[redacted]|"],
    [" a|b|", " [redacted]|[redacted]|"],
  ])("without patterns hides all arguments but the first: %j", (args, expected) => {
    expect(redacted(args)).toBe(expected);
  });

  test.each<[string, string, string]>([
    ["x|--password=geheim|-v|", USUAL, "x|--password=[redacted]|-v|"],
    ["x|--password|geheim|-v|", USUAL, "x|--password|[redacted]|-v|"],
    ["x|--PASSWORD|geheim|", USUAL, "x|--PASSWORD|[redacted]|"],
    ["x|--api-key|k|--token: t|", USUAL, "x|--api-key|[redacted]|--token: [redacted]|"],
    ["x|--access-token-file=/a|y|", USUAL, "x|--access-token-file=[redacted]|y|"],
    // The space is part of the value.
    ["x|--password|my secret pass|-v|", "--password (\\S+)", "x|--password|[redacted]|-v|"],
    ["x|--password=my secret|-v|", "--password=(\\S+)", "x|--password=[redacted]|-v|"],
    ["x|--password|my\tway|-v|", USUAL, "x|--password|[redacted]|-v|"],
    ["x|--token=first line\nsecond|-v|", USUAL, "x|--token=[redacted]|-v|"],
    ["x|--token|first\nsecond\r\n\v\f|-v|", USUAL, "x|--token|[redacted]|-v|"],
    // The argument in the place of a value may be an option with its own value.
    ["vault|-no-store-token|-token|s.geheim|-v|", USUAL, "vault|-no-store-token|[redacted]|[redacted]|-v|"],
    ["x|--token|--secret|--password|geheim|-v|", USUAL, "x|--token|[redacted]|[redacted]|[redacted]|-v|"],
    [
      "x|--use-token|--secret|geheim|-v|",
      "--[a-z-]*(?:token|secret)[= ]\\S+",
      "x|[redacted]|[redacted]|[redacted]|-v|",
    ],
    ["redis-cli|-u|redis://me:pa@ss@host/0|", URL_PASSWORD, "redis-cli|-u|redis://me:[redacted]@host/0|"],
    ["git|clone|https://token:x@host/a|b|", URL_PASSWORD, "git|clone|https://token:[redacted]@host/a|b|"],
    ["sh|-c|mysql -ppw db|", " -p(\\S+)", "sh|-c|mysql -p[redacted]|"],
    // Without a group the whole match is hidden.
    ["x|AKIA0123456789|", "AKIA\\w+", "x|[redacted]|"],
    ["x|aAKIA01b c|", "AKIA\\d+", "x|a[redacted]b c|"],
    ["curl|https://me:pw@host/|", "://([^:/@]+):([^@]+)@", "curl|https://[redacted]:[redacted]@host/|"],
    // A match over several arguments keeps their number.
    ["x|a|b|c|", "a.*", "x|[redacted]|[redacted]|[redacted]|"],
    ["x|a|b|c|", "^x", "[redacted]|a|b|c|"],
    ["x|nothing|", "secret", "x|nothing|"],
    ["x||a|", "a", "x||[redacted]|"],
    ["x|é secret=ü|", "secret=(.+)", "x|é secret=[redacted]|"],
  ])("with patterns hides their matches: %j by %j", (args, pattern, expected) => {
    expect(redacted(args, pattern)).toBe(expected);
  });

  test.each<[string, string]>([
    ["curl|https://me:gehe", "curl|[redacted]"],
    ["curl|-H|Authorization: Bea", "curl|-H|[redacted]"],
    ["curl|-s|", "curl|-s|"],
    ["x|--token|geheim|-", "x|--token|[redacted]|[redacted]"],
    ["one-long-arg", "[redacted]"],
  ])("hides an incomplete argument completely, because a pattern may no longer match it: %j", (args, expected) => {
    expect(redacted(args, USUAL, URL_PASSWORD)).toBe(expected);
  });

  test("treats the last argument as complete if nothing was cut, also without a final NUL", () => {
    const redact = redactorOf({ redact: true, patterns: [USUAL] });
    expect(new TextDecoder().decode(redact?.(bytesOf("title of a program"), false))).toBe("title of a program");
  });

  test("hides the matches of each of several patterns", () => {
    expect(redacted("x|a1|b2|c3|", "a\\d", "c(\\d)")).toBe("x|[redacted]|b2|c[redacted]|");
  });

  test("hides arguments completely if matching takes too many steps", () => {
    const args = `x|${"a".repeat(14_000)}|`;
    expect(redacted(args, "a.*b|a")).toBe("x|[redacted]|");
  });

  test("keeps invalid UTF-8, and does not change its input", () => {
    const given = Uint8Array.of(0x78, 0, 0xff, 0x61, 0x80, 0);
    const redact = redactorOf({ redact: true, patterns: ["a"] });
    expect([...(redact?.(given, false) ?? [])]).toEqual([
      0x78,
      0,
      0xff,
      ...new TextEncoder().encode("[redacted]"),
      0x80,
      0,
    ]);
    expect([...given]).toEqual([0x78, 0, 0xff, 0x61, 0x80, 0]);
  });

  test("returns nothing of earlier arguments", () => {
    const redact = redactorOf({ redact: true, patterns: ["long"] });
    redact?.(bytesOf("x|a long one that is hidden|"), false);
    expect(new TextDecoder().decode(redact?.(bytesOf("y|b|"), false))).toBe("y\0b\0");
  });
});
