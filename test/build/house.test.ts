import { describe, expect, test } from "bun:test";
import { circles } from "../../scripts/import-circles.ts";
import { wordsIn } from "../../scripts/words.ts";

const graphOf = (edges: Record<string, string[]>) =>
  new Map(Object.entries(edges).map(([from, to]) => [from, new Set(to)] as const));

describe("circles of imports", () => {
  test("a graph without a circle has none", () => {
    expect(circles(graphOf({ a: ["b", "c"], b: ["c"], c: [] }))).toEqual([]);
  });

  test("each circle is found once, also if other files import its members", () => {
    const graph = graphOf({ in: ["a"], a: ["b"], b: ["c", "out"], c: ["a"], out: ["x"], x: ["y"], y: ["x"] });
    expect(circles(graph).sort()).toEqual([
      ["a", "b", "c"],
      ["x", "y"],
    ]);
  });
});

describe("excluded words", () => {
  test("are found as whole words, with their line", () => {
    expect(wordsIn("emended\nIt Tells of\namendment; for want of room", "src/a.ts")).toEqual([
      { line: 2, word: "tells" },
      { line: 3, word: "for want of" },
    ]);
  });

  test("count in the titles of tests, not in their code", () => {
    const text = 'const told = [];\ntest("nobody is told", () => told.push(1));';
    expect(wordsIn(text, "test/a.test.ts").map(({ word }) => word)).toEqual(["nobody", "told"]);
  });
});
