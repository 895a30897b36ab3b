import type { EventOfProcess } from "../../../src/wire/event.ts";

type Place = Pick<EventOfProcess, "cgroup" | "container" | "unit">;

/** What an event has of its process's place beyond the cgroup's id; whether that is true is checked elsewhere. */
export function placeOf({ cgroup, container, unit }: Place): Place {
  return {
    ...(cgroup !== undefined && { cgroup }),
    ...(container !== undefined && { container }),
    ...(unit !== undefined && { unit }),
  };
}
