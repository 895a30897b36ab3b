import { expect, test } from "bun:test";
import { neighbourSlowdown, type TimedPlace } from "../../src/measure/neighbour-slowdown.ts";

function rounds(...places: [arm: string | null, us: number][]): TimedPlace[] {
  return places.map(([arm, us]) => ({ arm, us, part: "rounds" }));
}

test("a method's places are compared with the unwatched places beside them", () => {
  // The machine drifts from 100 to 200; each place of A is half as slow again as its surroundings.
  const places = rounds([null, 100], ["A", 150], [null, 100], [null, 200], ["A", 300], [null, 200]);
  expect(neighbourSlowdown(places, "A")?.pct).toBeCloseTo(50, 9);
});

test("without noise the interval is a point, and µs are a share of the median unwatched spawn", () => {
  const places = rounds([null, 100], ["A", 110], [null, 100], [null, 100], [null, 100], [null, 100]);
  expect(neighbourSlowdown(places, "A")).toMatchObject({ ci95: [expect.closeTo(10), expect.closeTo(10)] });
  expect(neighbourSlowdown(places, "A")?.usPerProcess).toBeCloseTo(10, 9);
});

test("the interval is as wide as the noise of unwatched places, and √2 times narrower with two turns", () => {
  const noise = [100, 104, 97, 103, 99, 102, 98].map((us): [null, number] => [null, us]);
  const once = neighbourSlowdown(rounds(...noise, ["A", 100]), "A");
  const twice = neighbourSlowdown(rounds(["A", 100], ...noise, ["A", 100]), "A");
  const width = (ci: readonly [number, number] | null | undefined): number => (ci ? ci[1] - ci[0] : 0);
  expect(width(once?.ci95)).toBeGreaterThan(5);
  expect(width(once?.ci95) / width(twice?.ci95)).toBeCloseTo(Math.SQRT2, 9);
});

test("a method that varies more than unwatched places has an interval as wide as its own variation", () => {
  const quiet = Array.from({ length: 8 }, (): [null, number] => [null, 100]);
  const figure = neighbourSlowdown(rounds(["A", 100], ...quiet, ["A", 200]), "A");
  expect(figure?.pct).toBeCloseTo(50, 9);
  expect(figure?.ci95?.[0]).toBeLessThan(0);
});

test("the interval is null with too few unwatched places, and the figure is null without one", () => {
  expect(neighbourSlowdown(rounds([null, 100], ["A", 120], [null, 100]), "A")).toMatchObject({ ci95: null });
  expect(neighbourSlowdown(rounds(["A", 120]), "A")).toBeNull();
  expect(neighbourSlowdown(rounds([null, 100]), "A")).toBeNull();
});

test("a method that leaves traces is compared only with earlier unwatched places", () => {
  const places: TimedPlace[] = [
    ...rounds([null, 500], [null, 500], [null, 500], [null, 500], [null, 500]),
    { arm: null, us: 100, part: "last" },
    { arm: null, us: 100, part: "last" },
    { arm: "audit", us: 120, part: "last" },
    // An unwatched place that is slow because of a trace.
    { arm: null, us: 119, part: "last" },
    { arm: "audit", us: 120, part: "last" },
  ];
  expect(neighbourSlowdown(places, "audit")?.pct).toBeCloseTo(20, 9);
});
