import type { Place } from "../cgroup/place.ts";

/** What distinguishes a group; empty: none, or not divided by it. */
export interface GroupLabel {
  unit: string;
  /** Id of the container. */
  container: string;
  comm: string;
}

/** These names cannot be names of systemd units, because those end with their type. */
export const OTHER: GroupLabel = { unit: "other", container: "", comm: "" };
export const KERNEL: GroupLabel = { unit: "kernel", container: "", comm: "" };

/** The slice in which systemd runs all processes of a user: systemd.special(7), user-UID.slice. */
const USER_SLICE = /(?:^|\/)user-(\d+)\.slice(?:\/|$)/;

export function labelOf(place: Pick<Place, "unit" | "container"> | undefined, comm: string): GroupLabel {
  return { unit: place?.unit ?? "", container: place?.container?.id ?? "", comm };
}

/** No label has a NUL. */
export function keyOfLabel({ unit, container, comm }: GroupLabel): string {
  return `${unit}\0${container}\0${comm}`;
}

/** The user whose own processes are there, as any user may make scopes; null: none. */
export function userOf(place: Pick<Place, "cgroup"> | undefined): string | null {
  return USER_SLICE.exec(place?.cgroup ?? "")?.[1] ?? null;
}
