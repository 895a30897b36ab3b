import type { Interval } from "../stats/interval.ts";
import { mean, standardDeviation } from "../stats/moments.ts";
import { median } from "../stats/quantile.ts";
import { studentQuantile } from "../stats/student.ts";

/** Timed spawns at one place in the schedule; in the order in which they ran. */
export interface TimedPlace {
  /** Null: an unwatched place. */
  arm: string | null;
  /** µs a spawn, the lower quartile. */
  us: number;
  /**
   * Places of different parts are not compared. In part "last" a method leaves traces behind, so that only unwatched places
   * before it are its baseline.
   */
  part: "rounds" | "last";
}

/** How much longer a spawn took while a method watched. */
export interface SlowdownFigure {
  pct: number;
  /** 95 %; null: too few places. */
  ci95: Interval | null;
  usPerProcess: number;
  usCi95: Interval | null;
}

/**
 * Relative difference of each place (turn in the schedule) of an arm to the mean of the nearest unwatched places before and after
 * it. In part "last" the base is the mean of the unwatched places before the first watched one. The spread is the larger of
 * two: that of unwatched places to their unwatched neighbours in part "rounds", and that of the arm itself. An arm has few places,
 * so its own spread can be too small by chance.
 *
 * @returns null if no place of the arm has such a base
 */
export function neighbourSlowdown(places: readonly TimedPlace[], arm: string): SlowdownFigure | null {
  const differences = differencesOf(places, arm);
  if (differences.length === 0) return null;
  const none = nullDifferences(places);
  const baseUs = median(places.filter((place) => place.arm === null).map(({ us }) => us));
  const pct = 100 * mean(differences);
  const usPerProcess = (pct / 100) * baseUs;
  if (none.length < 3) return { pct, ci95: null, usPerProcess, usCi95: null };
  const own = differences.length > 1 ? standardDeviation(differences) : 0;
  // About what is expected, no difference, not about the mean: a drift is noise too.
  const pooled = Math.sqrt(mean(none.map((difference) => difference ** 2)));
  const spread = 100 * Math.max(pooled, own);
  const half = (studentQuantile(0.975, none.length - 1) * spread) / Math.sqrt(differences.length);
  const ci95: Interval = [pct - half, pct + half];
  return { pct, ci95, usPerProcess, usCi95: [(ci95[0] / 100) * baseUs, (ci95[1] / 100) * baseUs] };
}

function differencesOf(places: readonly TimedPlace[], arm: string): number[] {
  return places.flatMap((place, index) => {
    if (place.arm !== arm) return [];
    const base = baselineOf(places, index);
    return base === null ? [] : [place.us / base - 1];
  });
}

function nullDifferences(places: readonly TimedPlace[]): number[] {
  const unwatched = places.filter(({ arm, part }) => arm === null && part === "rounds");
  return unwatched.flatMap(({ us }, index) => {
    const before = unwatched[index - 1];
    const after = unwatched[index + 1];
    return before === undefined || after === undefined ? [] : [us / mean([before.us, after.us]) - 1];
  });
}

/** The nearest unwatched places before and after one; in the last part all that came before its first watched one. */
function baselineOf(places: readonly TimedPlace[], index: number): number | null {
  const part = places[index]?.part;
  if (part === "last") {
    const last = places.filter((place) => place.part === "last");
    const clean = last.slice(
      0,
      last.findIndex(({ arm }) => arm !== null),
    );
    return clean.length === 0 ? null : mean(clean.map(({ us }) => us));
  }
  const isBase = (place: TimedPlace): boolean => place.arm === null && place.part === part;
  const near = [places.slice(0, index).findLast(isBase), places.slice(index + 1).find(isBase)];
  const found = near.flatMap((place) => (place === undefined ? [] : [place.us]));
  return found.length === 0 ? null : mean(found);
}
