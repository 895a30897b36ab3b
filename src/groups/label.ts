import type { Place } from "../cgroup/place.ts";

/** What distinguishes a group. A member is empty if it does not apply, or if groups are not divided by it. */
export interface GroupLabel {
  unit: string;
  /** Id of the container. */
  container: string;
  comm: string;
}

/**
 * No systemd unit can have the name `other` or `kernel`, because the name of a unit ends with its type, such as
 * `.service`.
 */
export const OTHER: GroupLabel = { unit: "other", container: "", comm: "" };
export const KERNEL: GroupLabel = { unit: "kernel", container: "", comm: "" };

/** The slice in which systemd runs all processes of a user: systemd.special(7), user-UID.slice. */
const USER_SLICE = /(?:^|\/)user-(\d+)\.slice(?:\/|$)/;

export function labelOf(place: Pick<Place, "unit" | "container"> | undefined, comm: string): GroupLabel {
  return { unit: place?.unit ?? "", container: place?.container?.id ?? "", comm };
}

/** Each label has another key, because no label contains a NUL. */
export function keyOfLabel({ unit, container, comm }: GroupLabel): string {
  return `${unit}\0${container}\0${comm}`;
}

/**
 * The uid of the user to whose slice a cgroup belongs; null if it belongs to none. In this slice the user can make any
 * number of scopes.
 */
export function userOf(place: Pick<Place, "cgroup"> | undefined): string | null {
  return USER_SLICE.exec(place?.cgroup ?? "")?.[1] ?? null;
}
