/** The live page of the HTTP API, src/page/, as one document that loads no other files. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PALETTE } from "../src/report/html/palette.ts";
import { writeFileAtomically } from "./files.ts";

/** Writes `page.json`: the document, and a policy that allows only its own style and script. */
export async function writePage(root: string, directory: string): Promise<void> {
  const folder = join(root, "src/page");
  const script = await scriptOf(join(folder, "main.ts"));
  const sheets = ["page.css", "tables.css"].map((name) => compact(readFileSync(join(folder, name), "utf8")));
  const style = `${PALETTE}${sheets.join(" ")}`;
  const html = readFileSync(join(folder, "page.html"), "utf8")
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "img-src data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // These two directives prevent scripts from inserting text into the page as markup.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  writeFileAtomically(join(directory, "page.json"), `${JSON.stringify({ html, policy })}\n`);
}

async function scriptOf(entrypoint: string): Promise<string> {
  const result = await Bun.build({
    entrypoints: [entrypoint],
    target: "browser",
    format: "iife",
    minify: true,
    sourcemap: "none",
    env: "disable",
    throw: false,
  });
  const [output] = result.outputs;
  if (!result.success || output === undefined) throw new Error(result.logs.map(String).join("\n"));
  const script = await output.text();
  // `</script` would end the element early, and `<!--` would begin a comment.
  if (/<\/script|<!--/i.test(script)) throw new Error("the script of the page holds markup");
  return script;
}

/** Removes indentation and newlines from a style sheet. */
function compact(css: string): string {
  return css.replace(/\s*\n\s*/g, " ").trim();
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
