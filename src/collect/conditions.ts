import { log } from "../config/log.ts";
import type { ConditionName } from "../wire/conditions.ts";

/**
 * The conditions that hold now. Each one is logged when it begins and when it ends; `/readyz` lists the messages as
 * `reasons`, and `/metrics` has a gauge for each name.
 */
export class Conditions {
  readonly #active = new Map<ConditionName, string>();

  /** Messages of the conditions that hold now, by name. */
  get active(): ReadonlyMap<ConditionName, string> {
    return this.#active;
  }

  /**
   * Begins a condition, or replaces its message. A warning is logged if the message differs from the last one.
   * @param message one clause without a full stop, such as "CPU 1 has no ring of its own since it came online"
   * @param hint what the user can do, logged after the message
   */
  set(name: ConditionName, message: string, hint?: string): void {
    if (this.#active.get(name) === message) return;
    this.#active.set(name, message);
    log.warn(hint === undefined ? message : `${message}\n${hint}`);
  }

  /**
   * Ends a condition. Does nothing if it does not hold.
   * @param message what is logged, such as "CPU 1 has a ring again"
   */
  clear(name: ConditionName, message: string): void {
    if (this.#active.delete(name)) log.info(message);
  }
}
