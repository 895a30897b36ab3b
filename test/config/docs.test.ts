/** docs/configuration.md agrees with linnix. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseToml } from "../../src/config/toml.ts";
import { LinnixError } from "../../src/errors.ts";
import { redactorOf } from "../../src/process/redact.ts";

const DOCS = readFileSync(join(import.meta.dir, "../../docs/configuration.md"), "utf8");

test("linnix prints the error message of the document", () => {
  const [, file, line, what, hint] = /^linnix: (\S+\.toml):(\d+): (.+)\n {2}(.+)$/m.exec(DOCS) ?? [];
  let error: unknown;
  try {
    parseToml(`[sampling]${"\n".repeat(Number(line) - 1)}intervall = '1s'\n`, file as string);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LinnixError);
  const told = error as LinnixError;
  expect(`${told.what}: ${told.why}`).toBe(`${file}:${line}: ${what}`);
  expect(told.hint).toBe(hint);
});

describe("the recommended redaction", () => {
  const [, block = ""] = /```toml\n(\[redaction\]\n[^`]+)```/.exec(DOCS) ?? [];
  const setting = parseToml(block, "docs").find(({ property }) => property === "patterns");
  const redact = redactorOf({ redact: true, patterns: setting?.value as string[] });
  /** Redacts arguments that are separated by spaces. */
  const redacted = (line: string) => {
    const bytes = redact?.(new TextEncoder().encode(`${line.replaceAll(" ", "\0")}\0`), false);
    return new TextDecoder().decode(bytes).replaceAll("\0", " ").trimEnd();
  };

  const WORDS = [
    ...["password", "passwd", "pass", "passphrase", "mysql_pwd", "mysql-pwd", "token", "access_token", "auth-token"],
    ...[
      "secret",
      "client-secret",
      "secret_key",
      "apikey",
      "api_key",
      "api-key",
      "x-api-key",
      "credential",
      "credentials",
    ],
  ];
  test.each(WORDS)("hides the text after %s, with any separator", (word) => {
    for (const name of [word, word.toUpperCase(), `--${word}`, `--my-${word}-x`]) {
      for (const between of ["=", " ", ": ", ":"]) {
        expect(redacted(`x ${name}${between}hunter2 -v`)).toBe(`x ${name}${between}[redacted] -v`);
      }
    }
  });

  test("hides the password of a URL, and nothing of other text", () => {
    expect(redacted("git clone https://me:hunter2@host/a")).toBe("git clone https://me:[redacted]@host/a");
    expect(redacted("curl https://host:80/a --key k -p 22")).toBe("curl https://host:80/a --key k -p 22");
  });
});
