import { describe, expect, test } from "bun:test";
import type { Section } from "../../src/doctor/check.ts";
import { renderReport } from "../../src/doctor/render.ts";

const SECTIONS: Section[] = [
  {
    title: "Kernel",
    checks: [
      { id: "a", title: "good", status: "ok", found: "yes" },
      {
        id: "b",
        title: "much longer",
        status: "warn",
        found: "something that is said in more words than fit into a line",
        costs: "a few of the things that were promised, one after the other",
        hint: "sysctl -w kernel.something=1",
      },
      { id: "c", title: "bad", status: "fail", found: "no", costs: "all", hint: "another kernel" },
      { id: "d", title: "note", status: "info", found: "so it is" },
    ],
  },
];
const VERDICT = { status: "fail" as const, sentence: "cannot run here" };

describe("renderReport", () => {
  test("aligns marks, titles and texts, with costs and hint below", () => {
    expect(renderReport("heading", SECTIONS, VERDICT, { color: false, columns: null })).toBe(`heading

Kernel
  ✓ good         yes
  ! much longer  something that is said in more words than fit into a line
                 costs: a few of the things that were promised, one after the other
                 hint:  sysctl -w kernel.something=1
  ✗ bad          no
                 costs: all
                 hint:  another kernel
  · note         so it is

✗ cannot run here
`);
  });

  test("wraps at the columns, and aligns further lines with the first word", () => {
    const text = renderReport("heading", SECTIONS, VERDICT, { color: false, columns: 60 });
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(text).toContain(
      "  ! much longer  something that is said in more words than\n                 fit into a line\n",
    );
    expect(text).toContain("                 costs: a few of the things that were\n                        promised,");
  });

  test("stays readable on a very narrow terminal", () => {
    const text = renderReport("heading", SECTIONS, VERDICT, { color: false, columns: 3 });
    expect(text).toContain("something that is said in more");
  });

  test("prints colours only if they are on", () => {
    expect(renderReport("heading", SECTIONS, VERDICT, { color: false, columns: null })).not.toContain("\x1b");
    const colored = renderReport("heading", SECTIONS, VERDICT, { color: true, columns: null });
    expect(colored).toContain("\x1b[31m✗\x1b[0m bad");
    expect(Bun.stripANSI(colored)).toBe(renderReport("heading", SECTIONS, VERDICT, { color: false, columns: null }));
  });

  test("prints no control characters of the machine's texts", () => {
    const found = "evil\x1b[2J\nname\x9b\u202e\u2028";
    const sections: Section[] = [{ title: "x", checks: [{ id: "x", title: "x", status: "info", found }] }];
    const text = renderReport("a\x07b", sections, VERDICT, { color: false, columns: null });
    expect(text).toContain("evil\\e[2J\\nname\\x9b\\u202e\\u2028");
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
