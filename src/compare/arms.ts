import { nearest } from "../config/nearest.ts";
import { quote } from "../config/units.ts";
import { usageError } from "../errors.ts";
import type { Observer } from "../observers/observer.ts";
import { OBSERVERS } from "../observers/registry.ts";

/** A method, and how often it looks: what stands beside others in one row. */
export interface Arm {
  /** Such as `ps@1000` or `linnix`. */
  id: string;
  observer: Observer;
  /** Null for methods that are told by the kernel. */
  intervalMs: number | null;
}

/** Methods that are also tried at shorter intervals than the one asked for, ms: polling at its best. */
const SHORTER_MS: Record<string, readonly number[]> = {
  "proc-scan": [100, 10],
  "proc-list": [100, 10],
  "task-iterator": [100, 10],
};
const QUICK_SHORTER_MS = [10];

/** Methods that only run when they are asked for by name. */
const ONLY_BY_NAME = new Set(["proc-list"]);

/** Every name that `--methods` takes. */
export const METHOD_NAMES: readonly string[] = OBSERVERS.map(({ name }) => name);

/**
 * The methods of these names, in the order of the report.
 *
 * @param names null: all but those that are only had by name
 * @throws LinnixError (usage) for a name that is none, with the nearest one
 */
export function methodsNamed(names: readonly string[] | null): Observer[] {
  if (names === null) return OBSERVERS.filter(({ name }) => !ONLY_BY_NAME.has(name));
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

/** The rows that methods make. */
export function armsOf(methods: readonly Observer[], intervalMs: number, quick: boolean): Arm[] {
  return methods.flatMap((observer): Arm[] => {
    if (observer.kind === "events") return [{ id: observer.name, observer, intervalMs: null }];
    const shorter = (SHORTER_MS[observer.name] ?? []).filter(
      (shortMs) => shortMs < intervalMs && (!quick || QUICK_SHORTER_MS.includes(shortMs)),
    );
    return [intervalMs, ...shorter].map((each) => ({ id: `${observer.name}@${each}`, observer, intervalMs: each }));
  });
}
