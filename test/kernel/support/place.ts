import type { EventOfProcess } from "../../../src/wire/event.ts";

type Place = Pick<EventOfProcess, "cgroup" | "container" | "unit">;

/** What an event tells of its process's place beyond the cgroup's id; whether that is true is asked elsewhere. */
export function placeOf({ cgroup, container, unit }: Place): Place {
  return {
    ...(cgroup !== undefined && { cgroup }),
    ...(container !== undefined && { container }),
    ...(unit !== undefined && { unit }),
  };
}
