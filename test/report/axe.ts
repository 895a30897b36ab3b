import { readFileSync } from "node:fs";
import type { Chromium } from "./chromium.ts";

const AXE = readFileSync(Bun.resolveSync("axe-core/axe.min.js", import.meta.dir), "utf8");

/** Script that returns the findings of axe: each rule with its elements. */
const RUN_AXE = `axe.run(document).then(({ violations }) =>
  violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target).join(", ")))`;

/** Findings of axe in the open page. */
export async function axeFindings(chromium: Chromium): Promise<string[]> {
  await chromium.evaluate(`${AXE};0`);
  return chromium.evaluate<string[]>(RUN_AXE);
}
