import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMadeUp } from "./made-up.ts";

const MOST_BYTES = 150 * 1024;
const SOURCES = join(import.meta.dir, "../../src/page");

async function page(options: Parameters<typeof startMadeUp>[0] = {}) {
  await using server = await startMadeUp(options);
  const response = await fetch(server.url("/"), { headers: { Accept: "text/html" } });
  const directives = (response.headers.get("content-security-policy") ?? "").split("; ").map((part) => {
    const [name, ...values] = part.split(" ");
    return [name, values.join(" ")] as const;
  });
  return {
    status: response.status,
    policy: new Map(directives),
    headers: response.headers,
    html: await response.text(),
  };
}

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

describe("the page at /", () => {
  test("needs no token and holds no data, whatever the daemon knows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
    try {
      const tokenFile = join(folder, "token");
      writeFileSync(tokenFile, "0123456789abcdef0123\n", { mode: 0o600 });
      const withToken = await page({ tokenFile });
      expect(withToken.status).toBe(200);
      expect(withToken.html).toBe((await page()).html);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("has a policy that permits only its own style and script", async () => {
    const { policy, headers, html } = await page();
    const [, script = ""] = /<script>([\s\S]*)<\/script>/.exec(html) ?? [];
    const [, style = ""] = /<style>([\s\S]*)<\/style>/.exec(html) ?? [];
    expect(script).not.toBe("");
    expect(style).not.toBe("");
    expect(Object.fromEntries(policy)).toEqual({
      "default-src": "'none'",
      "script-src": hashOf(script),
      "style-src": hashOf(style),
      "img-src": "data:",
      "connect-src": "'self'",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
      "require-trusted-types-for": "'script'",
      "trusted-types": "'none'",
    });
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(html.match(/<(?:script|style)\b/g)).toHaveLength(2);
  });

  test("is one document that loads nothing, of at most 150 KB", async () => {
    const { html } = await page();
    expect(Buffer.byteLength(html)).toBeLessThan(MOST_BYTES);
    // The document has links to routes of the API, and an embedded icon.
    const addresses = [...html.matchAll(/\s(?:href|src|action|srcset)="([^"]*)"/g)].map(([, address]) => address ?? "");
    expect(addresses.filter((address) => !/^[a-z.]+(\?limit=100)?$|^data:image\/svg/.test(address))).toEqual([]);
    expect(html).not.toMatch(/@import|url\(|\son\w+="|style="/);
  });

  test("has no source that makes markup from text, or code at runtime", () => {
    const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const text = readFileSync(join(SOURCES, file), "utf8");
      expect({
        file,
        found: text.match(/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function/g),
      }).toEqual({
        file,
        found: null,
      });
    }
  });
});
