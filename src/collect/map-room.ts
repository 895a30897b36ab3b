import type { Backend } from "../probes/backend.ts";
import type { Conditions } from "./conditions.ts";

/** By map: the effect once the map had no room for a process. */
const UNKNOWN = {
  trackedPids: "user space follows the descendants of --pid",
  missedExecs: "exits have neither exe nor args",
  threadGroups: "exits may lack their name or duration",
  images: "some lines of processes have neither exe nor args",
} as const;

const MAPS = Object.keys(UNKNOWN) as (keyof typeof UNKNOWN)[];
const HINT = "restart linnix when fewer processes run, or raise kernel.threads-max and kernel.pid_max before the start";

/** Reports when a map of the kernel side had no room for a process. The condition holds until the end of the run. */
export class MapRoom {
  readonly #backend: Pick<Backend, "noRoom">;
  readonly #conditions: Conditions;
  #reported = 0;

  constructor(backend: Pick<Backend, "noRoom">, conditions: Conditions) {
    this.#backend = backend;
    this.#conditions = conditions;
  }

  /** To be called regularly. Makes no system call. */
  check(): void {
    const noRoom = this.#backend.noRoom();
    const full = MAPS.filter((map) => noRoom[map] > 0);
    // A map that was full once counts as full until the end, so a new map changes the number.
    if (full.length === this.#reported) return;
    this.#reported = full.length;
    const effects = full.map((map) => UNKNOWN[map]).join("; ");
    this.#conditions.set("map_full", `a kernel map had no room for some processes: ${effects}`, HINT);
  }

  /**
   * Whether the kernel side sends the events of all processes because its map had no room for all watched processes.
   */
  get sendsAll(): boolean {
    return this.#backend.noRoom().trackedPids > 0;
  }
}
