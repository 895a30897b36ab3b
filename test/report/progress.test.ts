import { describe, expect, test } from "bun:test";
import { Progress, progressLine } from "../../src/report/terminal/progress.ts";

const PHASES = [
  { name: "first", seconds: 10 },
  { name: "second", seconds: 30 },
];

function progress(isTty: boolean, columnsNow: () => number = () => 80) {
  let text = "";
  const write = (piece: string): void => {
    text += piece;
  };
  return {
    written: () => text,
    view: new Progress({ phases: PHASES, isTty, color: false, columns: 80, columnsNow, write }),
  };
}

describe("without a terminal", () => {
  test("each phase is a plain line, and no line is redrawn", () => {
    const { written, view } = progress(false);
    view.phase("first");
    view.lines(["a row", "another"]);
    view.phase("second");
    view.close();
    expect(written()).toBe("first (about 10 s)\na row\nanother\nsecond (about 30 s)\n");
  });
});

describe("on a terminal", () => {
  test("the bar is cleared for lines that stay, and at the end", () => {
    const { written, view } = progress(true);
    view.phase("second");
    view.lines(["a row"]);
    view.close();
    view.close();
    const steps = written().split("\r\u001b[2K");
    expect(steps).toEqual([
      "",
      expect.stringMatching(/^ {2}█+░+ {2,}25 % {2}second, 0:30 left$/),
      "a row\n",
      expect.any(String),
      "",
    ]);
  });

  test("the bar is cleared on all its rows after the terminal became narrower", () => {
    let columns = 80;
    const { written, view } = progress(true, () => columns);
    view.phase("second");
    const bar = Bun.stringWidth(written().slice("\r\u001b[2K".length));
    columns = 20;
    view.phase("second");
    const [, narrow] = written().split(`\r\u001b[${Math.ceil(bar / 20) - 1}A\u001b[J`);
    expect(Bun.stringWidth(narrow ?? "")).toBeLessThan(20);
    expect(narrow).toContain("25 %");
    view.close();
    expect(written()).toEndWith("\r\u001b[2K");
  });

  test("a phase that is not in the plan changes nothing", () => {
    const { written, view } = progress(true);
    view.phase("other");
    view.close();
    expect(written()).toBe("");
  });
});

test("the bar is never wider than its line", () => {
  for (const columns of [20, 40, 60, 80, 200]) {
    for (const share of [0, 0.5, 1]) {
      const line = progressLine({ name: "sweep over rates", share, leftS: 4000 }, columns, false);
      expect(Bun.stringWidth(line)).toBeLessThan(columns);
    }
  }
});
