import type { EventOfProcess } from "../../../src/wire/event.ts";

type Place = Pick<EventOfProcess, "cgroup" | "container" | "unit">;

/** Fields of an event about its process's place, without the cgroup's id; other tests check their values. */
export function placeOf({ cgroup, container, unit }: Place): Place {
  return {
    ...(cgroup !== undefined && { cgroup }),
    ...(container !== undefined && { container }),
    ...(unit !== undefined && { unit }),
  };
}
