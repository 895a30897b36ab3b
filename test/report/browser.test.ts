import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { htmlReport as compareReport } from "../../src/compare/report/html.ts";
import { htmlReport as overheadReport } from "../../src/overhead/report/html.ts";
import { crowdedReport, HOSTILE_NAME } from "../compare/made-up.ts";
import { axeFindings } from "./axe.ts";
import { CHROMIUM_MISSING, Chromium } from "./chromium.ts";
import { exampleReport } from "./example.ts";

/** Limit for opening, drawing and checking one page by axe while other tests use the machine. */
const TIMEOUT_MS = 120_000;
const MOST_BYTES = 150 * 1024;

const LATE = {
  verdict: "FAIL" as const,
  reasons: Array.from({ length: 12 }, (_, index) => `${index} ${HOSTILE_NAME}`),
};

const PAGES = [
  { name: "compare", html: compareReport(crowdedReport()) },
  { name: "overhead", html: overheadReport(exampleReport()) },
  {
    name: "hostile-overhead",
    html: overheadReport(
      exampleReport({ ...LATE, subject: { kind: "command", name: HOSTILE_NAME, command: HOSTILE_NAME, pids: [] } }),
    ),
  },
];

const LOOKS = [320, 768, 1280].flatMap((width) => [
  { width, scheme: "light" as const },
  { width, scheme: "dark" as const },
]);

/** Labels of the visible chart whose letters overlap another label or leave the page. */
const BAD_LABELS = `(() => {
  const texts = [...document.querySelectorAll("svg .label")].filter((text) => text.getClientRects().length > 0);
  const boxes = texts.map((text) => [text.textContent, text.getBoundingClientRect(), text.closest("svg")]);
  const bad = [];
  for (const [index, [name, box, svg]] of boxes.entries()) {
    if (box.left < 0 || box.right > innerWidth) bad.push(name + " leaves the page");
    for (const [other, its, itsSvg] of boxes.slice(index + 1)) {
      const x = Math.min(box.right, its.right) - Math.max(box.left, its.left);
      const y = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
      // A box is as high as a line, so boxes of adjacent lines may overlap although their letters do not.
      if (svg === itsSvg && x > 1 && y > box.height / 3) bad.push(name + " over " + other);
    }
  }
  return bad;
})()`;

/** Tables whose last column cannot be scrolled into view, or whose first column then does not stay visible. */
const CUT_TABLES = `[...document.querySelectorAll(".scroll")].filter((scroll) => {
  if (scroll.getClientRects().length === 0) return false;
  scroll.scrollLeft = scroll.scrollWidth;
  const right = scroll.getBoundingClientRect().right + 1;
  const left = scroll.getBoundingClientRect().left - 1;
  return [...scroll.querySelectorAll("tr")].some((row) =>
    row.lastElementChild.getBoundingClientRect().right > right || row.firstElementChild.getBoundingClientRect().left < left);
}).map((scroll) => scroll.getAttribute("aria-label"))`;

const missing = CHROMIUM_MISSING === null ? "" : ` (skipped: ${CHROMIUM_MISSING})`;

describe.skipIf(CHROMIUM_MISSING !== null)(`reports in a browser${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "linnix-test-"));
  let chromium: Chromium;
  beforeAll(async () => {
    chromium = await Chromium.start();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await chromium?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const { name, html } of PAGES) {
    test(
      `${name}: in every look, nothing is cut off, no labels overlap, and axe finds no problem`,
      async () => {
        expect(Buffer.byteLength(html)).toBeLessThan(MOST_BYTES);
        const path = join(folder, `${name}.html`);
        writeFileSync(path, html);
        for (const look of LOOKS) {
          await chromium.open(path, look);
          const figures = await chromium.evaluate(
            `({ width: document.documentElement.scrollWidth, labels: ${BAD_LABELS}, tables: ${CUT_TABLES} })`,
          );
          expect({ look, figures }).toEqual({ look, figures: { width: look.width, labels: [], tables: [] } });
          await chromium.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
          expect({ look, findings: await axeFindings(chromium) }).toEqual({ look, findings: [] });
        }
        expect(chromium.complaints).toEqual([]);
      },
      TIMEOUT_MS,
    );
  }
});
