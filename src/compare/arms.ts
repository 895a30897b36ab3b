import { nearest } from "../config/nearest.ts";
import { quote } from "../config/units.ts";
import { usageError } from "../errors.ts";
import type { Observer } from "../observers/observer.ts";
import { OBSERVERS } from "../observers/registry.ts";

/** A method at one interval: one row of the report. */
export interface Arm {
  /** Such as `ps@1000` or `linnix`. */
  id: string;
  observer: Observer;
  /** Null for event methods. */
  intervalMs: number | null;
}

/** Every name that `--methods` accepts. */
export const METHOD_NAMES: readonly string[] = OBSERVERS.map(({ name }) => name);

/**
 * The methods with these names, in the order of the report.
 *
 * @param names null: all methods, except those that run only if they are named
 * @throws LinnixError (usage) for an unknown name, with the nearest known one
 */
export function methodsNamed(names: readonly string[] | null): Observer[] {
  if (names === null) return OBSERVERS.filter(({ onlyByName }) => !onlyByName);
  for (const name of names) {
    if (METHOD_NAMES.includes(name)) continue;
    const near = nearest(name, METHOD_NAMES);
    throw usageError("unknown-method", {
      what: `--methods ${quote(name)}`,
      why: "no such method",
      hint: `${near === null ? "" : `did you mean ${near}? `}known: ${METHOD_NAMES.join(", ")}`,
    });
  }
  return OBSERVERS.filter(({ name }) => names.includes(name));
}

/** The rows of methods: one for an event method, one for each interval of a polling method. */
export function armsOf(methods: readonly Observer[], intervalMs: number, quick: boolean): Arm[] {
  return methods.flatMap((observer): Arm[] => {
    if (observer.kind === "events") return [{ id: observer.name, observer, intervalMs: null }];
    const shorter = observer.shorterMs.filter((each) => each < intervalMs).slice(quick ? -1 : 0);
    return [intervalMs, ...shorter].map((each) => ({ id: `${observer.name}@${each}`, observer, intervalMs: each }));
  });
}
