import { describe, expect, test } from "bun:test";
import { EndedTotals } from "../../src/top/ended.ts";
import { groupsOf, type Refresh, shortShare } from "../../src/top/model.ts";
import type { Size } from "../../src/top/screen.ts";
import { jsonOf } from "../../src/top/snapshot.ts";
import { initialState, press, type ViewState } from "../../src/top/state.ts";
import { helpLines } from "../../src/top/views/help.ts";
import { pageOf } from "../../src/top/views/page.ts";
import { sparkline } from "../../src/top/views/text.ts";
import { refreshOf, rowOf } from "./rows.ts";

const SMALL: Size = { rows: 24, columns: 80 };
const LARGE: Size = { rows: 100, columns: 300 };
const SIZES: Size[] = [SMALL, LARGE, { rows: 5, columns: 20 }, { rows: 1, columns: 1 }, { rows: 40, columns: 9 }];
/** Matches characters that a terminal interprets: C0, C1, direction, zero width and line separators. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

function typed(refresh: Refresh, keys: readonly string[], size = SMALL): { state: ViewState; texts: string[] } {
  const state = initialState("cpu");
  let page = pageOf(refresh, state, size);
  for (const key of keys) {
    press(state, key, page.shown);
    page = pageOf(refresh, state, size);
  }
  return { state, texts: page.lines.map(({ text }) => text) };
}

const HOSTILE = [
  "\x1b[2J\x1b]0;owned\x07",
  "\u009b31m\u202e\u2066evil\u2069",
  "字字字字字字字字字",
  "e\u0301".repeat(3000),
  "\u0301".repeat(4096),
  "a\u200d\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\ufe0f",
  "x".repeat(4096),
  "\ud800\n\r\t",
  "",
];

describe("every view", () => {
  const processes = HOSTILE.flatMap((text, at) => [
    rowOf({ pid: at * 2 + 1, ppid: at * 2 - 1, comm: text.slice(0, 15), args: [text, text], user: text, exe: text }),
    rowOf({ pid: at * 2 + 2, args: null, comm: text.slice(0, 15), cpuPct: null, rssBytes: null, threads: null }),
  ]);
  const ended = new EndedTotals();
  for (const comm of HOSTILE) ended.add({ comm, group: comm, cpuNs: 1e6, peakRssBytes: 1e6 });
  const refresh = refreshOf({ processes, short: ended.take(), notes: [...HOSTILE], source: HOSTILE[0] as string });
  const modes = [
    ["1"],
    ["2"],
    ["3"],
    ["4"],
    ["h"],
    ["enter"],
    ["down", "down", "enter"],
    ["/", ...(HOSTILE[3] ?? "").slice(0, 30)],
  ];

  test.each(
    SIZES.flatMap((size) =>
      modes.map((keys) => [size.columns, size.rows, keys.join("").slice(0, 12), size, keys] as const),
    ),
  )("fits %i columns and %i rows with hostile names: %s", (_columns, _rows, _keys, size, keys) => {
    const { texts } = typed(refresh, keys, size);
    expect(texts.length).toBeLessThanOrEqual(size.rows);
    for (const text of texts) {
      expect(Bun.stringWidth(text)).toBeLessThanOrEqual(size.columns);
      expect(text.length).toBeLessThan(size.columns * 8 + 64);
      expect(text).not.toMatch(HARMFUL);
    }
  });
});

test("the help fits a terminal of 80 columns", () => {
  const texts = (columns: number) => helpLines(columns).map(({ text }) => text.trimEnd());
  expect(texts(79)).toEqual(texts(1000));
});

describe("processes", () => {
  const processes = [
    rowOf({ pid: 10, cpuPct: 5, rssBytes: 300, comm: "b", args: ["b", "-x"] }),
    rowOf({ pid: 20, cpuPct: 50, rssBytes: 100, comm: "c", args: ["c"], ppid: 10 }),
    rowOf({ pid: 30, cpuPct: null, rssBytes: 200, comm: "a", args: [], user: "postgres", ppid: 20 }),
  ];
  const refresh = refreshOf({ processes });
  const pids = (keys: readonly string[]) =>
    typed(refresh, keys)
      .texts.slice(6)
      .flatMap((text) => /^[ >] +(\d+) /.exec(text)?.[1] ?? []);

  test("are sorted by the chosen column, unknown values last", () => {
    expect(pids([])).toEqual(["20", "10", "30"]);
    expect(pids(["s"])).toEqual(["10", "30", "20"]);
    expect(pids(["s", "s"])).toEqual(["10", "20", "30"]);
    expect(pids(["s", "s", "s"])).toEqual(["30", "20", "10"]);
    expect(pids(["s", "s", "s", "s"])).toEqual(["30", "10", "20"]);
    expect(pids(["s", "s", "s", "s", "s"])).toEqual(pids([]));
    expect(pids(["r"])).toEqual(["30", "10", "20"]);
  });

  test("are filtered by a text in any of their fields, until Esc", () => {
    expect(pids(["/", "P", "o", "S", "t", "enter"])).toEqual(["30"]);
    expect(pids(["/", "-", "x", "enter"])).toEqual(["10"]);
    expect(pids(["/", "z", "z", "backspace", "backspace", "c", "enter"])).toEqual(["20"]);
    expect(typed(refresh, ["/", "z", "z", "z"]).texts[6]).toStartWith("no row contains this text");
    expect(pids(["/", "z", "escape"])).toEqual(["20", "10", "30"]);
    expect(pids(["/", "-", "x", "enter", "escape"])).toEqual(["20", "10", "30"]);
  });

  test("have a selection that stays with its process, and moves when that process has ended", () => {
    const { state, texts } = typed(refresh, ["down"]);
    expect(texts[7]).toMatch(/^> +10 /);
    const moved = refreshOf({ processes: processes.map((row) => ({ ...row, cpuPct: row.pid === 10 ? 99 : 1 })) });
    expect(pageOf(moved, state, SMALL).lines[6]?.text).toMatch(/^> +10 /);
    const without = refreshOf({ processes: processes.filter(({ pid }) => pid !== 10) });
    expect(pageOf(without, state, SMALL).lines.filter(({ text }) => text.startsWith(">"))).toHaveLength(1);
  });

  test("scroll as the selection moves", () => {
    const many = refreshOf({ processes: Array.from({ length: 500 }, (_, at) => rowOf({ pid: at + 1 })) });
    expect(typed(many, ["end"]).texts[22]).toMatch(/^> +500 /);
    expect(typed(many, ["pagedown", "pagedown", "home"]).texts[6]).toMatch(/^> +1 /);
    expect(typed(many, ["end", "up"]).texts[21]).toMatch(/^> +499 /);
  });

  test("are below their parents in the tree, and a filter keeps the ancestors", () => {
    const { texts } = typed(refresh, ["2"]);
    expect(texts.slice(6, 9).map((text) => text.slice(39).trim())).toEqual(["b -x", "└─ c", "└─ [a]"]);
    expect(typed(refresh, ["2", "/", "p", "o", "s", "t"]).texts.slice(6, 9).join("")).toContain("└─ [a]");
  });

  test("have details with their ancestors", () => {
    const { texts } = typed(refresh, ["end", "enter"]);
    expect(texts.join("\n")).toMatch(/process +30 a[\s\S]*ancestors\n +20 c\n +10 b -x/);
    expect(typed(refresh, ["end", "enter", "escape"]).state.mode).toBe("list");
  });

  test("make no endless tree if parents form a cycle", () => {
    const circle = refreshOf({
      processes: [rowOf({ pid: 5, ppid: 6 }), rowOf({ pid: 6, ppid: 5 }), rowOf({ pid: 7, ppid: 7 })],
    });
    expect(typed(circle, ["2"]).texts.length).toBe(24);
    expect(typed(circle, ["enter"]).texts.length).toBe(24);
  });
});

describe("short-lived processes", () => {
  const ended = new EndedTotals();
  for (let i = 0; i < 3; i++) ended.add({ comm: "cc1", group: "ci.service", cpuNs: 1e8, peakRssBytes: 5 * 2 ** 20 });
  ended.add({ comm: "sh", group: "ci.service", cpuNs: null, peakRssBytes: null });
  const refresh = refreshOf({ short: ended.take(), busyNs: 1.2e9, processes: [rowOf({ pid: 1, cpuPct: 10 })] });

  test("are added up by command, with their share of the CPU time", () => {
    expect(shortShare(refresh)).toBeCloseTo(0.25);
    const { texts } = typed(refresh, ["4"]);
    expect(texts[3]).toContain("4 that top(1) misses: 30.0 % of a core, 25.0 % of all CPU time");
    expect(texts[6]).toMatch(/^ cc1 +3 +30\.0 +25\.0 +5\.0M$/);
    expect(texts[7]).toMatch(/^ sh +1 /);
  });

  test("count in their group", () => {
    const group = groupsOf(refresh).find(({ name }) => name === "ci.service");
    expect(group).toEqual({ name: "ci.service", processes: 0, cpuPct: 30, rssBytes: null, shortLived: 4 });
  });

  test("have a bounded number of names", () => {
    const many = new EndedTotals();
    for (let i = 0; i < 5000; i++) many.add({ comm: `c${i}`, group: `g${i}`, cpuNs: 1, peakRssBytes: 1 });
    const { count, commands, groups } = many.take();
    expect(count).toBe(5000);
    expect(commands.length).toBeLessThanOrEqual(1001);
    expect(commands.reduce((sum, command) => sum + command.count, 0)).toBe(5000);
    expect([...groups.values()].reduce((sum, group) => sum + group.count, 0)).toBe(5000);
    expect(many.take().count).toBe(0);
  });

  test("have no share if the machine's CPU time is not known", () => {
    expect(typed({ ...refresh, busyNs: null }, ["4"]).texts[6]).toMatch(/30\.0 +– /);
  });
});

test("rates are shown as bars, the latest at the right", () => {
  expect(sparkline([0, 5, 10], 2)).toBe("▅█");
  expect(sparkline([], 10)).toBe("");
  expect(sparkline([0, 0], 5)).toBe("▁▁");
});

test("CPU time that is known of no process is not shown as 0", () => {
  const ended = new EndedTotals();
  for (let i = 0; i < 3; i++) ended.add({ comm: "true", group: "a.service", cpuNs: null, peakRssBytes: null });
  const refresh = refreshOf({ short: ended.take() });
  expect(typed(refresh, ["4"]).texts.find((text) => text.includes("true"))).toMatch(/true +3 +– +– +–/);
  expect(JSON.parse(jsonOf(refresh, "cpu")).short_lived).toMatchObject({
    cpu_ns: null,
    cpu_pct: null,
    busy_share_pct: null,
    commands: [{ comm: "true", count: 3, cpu_ns: null }],
  });
});
