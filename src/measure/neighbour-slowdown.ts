import type { Interval } from "../stats/interval.ts";
import { mean, standardDeviation } from "../stats/moments.ts";
import { median } from "../stats/quantile.ts";
import { studentQuantile } from "../stats/student.ts";

/** Timed spawns at one place in the schedule. Lists of places are in the order of their execution. */
export interface TimedPlace {
  /** The method that watched; null if none did. */
  arm: string | null;
  /** µs a spawn, the lower quartile. */
  us: number;
  /**
   * Places of different parts are not compared. The methods of part "last" leave traces on the machine, so only the
   * unwatched places before them are their baseline.
   */
  part: "rounds" | "last";
}

/** How much longer a spawn took while a method watched. */
export interface SlowdownFigure {
  pct: number;
  /** 95 % interval, in the unit of `pct`; null if there are too few unwatched places. */
  ci95: Interval | null;
  usPerProcess: number;
  usCi95: Interval | null;
}

/**
 * How much longer a spawn takes at the places of an arm than at the nearest unwatched places before and after each of
 * them. In part "last" the baseline is the mean of the unwatched places before the first watched one. The interval
 * comes from the larger of two spreads: that of unwatched places around their unwatched neighbours in part "rounds",
 * and that of the arm's own differences. An arm has few places, so its own spread alone can be too small by chance.
 *
 * @returns null if no place of the arm has a baseline
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
  // The spread is around 0, the expected difference, and not around the mean: a drift is noise too.
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

/** Mean time of the nearest unwatched places, µs; in part "last", of all places before its first watched one. */
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
