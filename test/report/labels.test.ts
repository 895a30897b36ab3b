import { expect, test } from "bun:test";
import { LABEL_HEIGHT, type Place, placeLabels } from "../../src/report/html/labels.ts";

function overlaps(a: Place & { width: number }, b: Place & { width: number }): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < LABEL_HEIGHT;
}

test.each([
  { what: "all at one place", at: (_: number) => ({ x: 120, y: 4 }) },
  { what: "along an edge", at: (index: number) => ({ x: 252, y: 12 * index }) },
  { what: "in a corner", at: (index: number) => ({ x: index, y: 340 - index }) },
])("fourteen labels $what overlap neither each other nor a mark, and stay inside the chart", ({ at }) => {
  const marks = Array.from({ length: 14 }, (_, index) => at(index));
  const space = { width: 258, height: 340, marks, lines: [] };
  const boxes = placeLabels(
    marks.map((place, index) => ({ at: place, width: 40 + 8 * index })),
    space,
  );
  for (const [index, box] of boxes.entries()) {
    if (box === null) throw new Error(`label ${index} has no place`);
    expect(box.x).toBeWithin(0, space.width - box.width + 1);
    expect(box.y).toBeWithin(-LABEL_HEIGHT / 2, space.height - LABEL_HEIGHT + 1);
    for (const mark of marks) {
      const isOver = mark.x > box.x && mark.x < box.x + box.width && mark.y > box.y && mark.y < box.y + LABEL_HEIGHT;
      expect(isOver).toBe(false);
    }
    for (const other of boxes.slice(index + 1)) if (other !== null) expect(overlaps(box, other)).toBe(false);
  }
});

test("a label without room has no place, and other labels keep theirs", () => {
  const at = { x: 50, y: 20 };
  const boxes = placeLabels(
    Array.from({ length: 9 }, () => ({ at, width: 90 })),
    { width: 100, height: 40, marks: [at], lines: [] },
  );
  expect(boxes.filter((box) => box !== null).length).toBeWithin(1, 4);
  expect(boxes.at(-1)).toBeNull();
});
