import { log } from "../config/log.ts";

/**
 * What makes a collector see less than it promises, and the help text of each in the metrics. A name is part of the
 * public interface: it is the label `reason` of `linnix_degraded`.
 */
export const CONDITIONS = {
  no_ring: "a CPU has no ring of its own, so its events may be lost",
  output_blocked: "the output takes nothing, so events are dropped",
  watched_cgroup_gone: "the watched cgroup does not exist",
  watched_process_gone: "no watched process is left",
  foreign_pid_namespace: "/proc shows another pid namespace than the kernel's",
  foreign_cgroup_namespace: "cgroup paths outside of this cgroup namespace are not readable",
  foreign_time_namespace: "the clocks of this time namespace are not the kernel's",
  map_full: "a kernel map had no room for some processes, so fields of their exits are null",
  sampler_full: "the sampler has no room for some processes",
} as const;

export type ConditionName = keyof typeof CONDITIONS;

export const CONDITION_NAMES = Object.keys(CONDITIONS) as ConditionName[];

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
   * @param message one clause without a full stop, such as "CPU 1 has no ring since it went offline"
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
