import { jsonText, literal, type Piece } from "../json/byte-writer.ts";
import type { Container } from "../wire/event.ts";
import { containerOf, podUidOf, unitOf } from "./cgroup-path.ts";

/** The cgroup, container, pod and unit of a process, with the field names of the JSON. */
export interface Place {
  /** Path from the root of the hierarchy; null if unknown. */
  cgroup: string | null;
  container: Container | null;
  pod_uid: string | null;
  /** Unit of the host's systemd: see `unitOf`. */
  unit: string | null;
}

/** A place with its JSON for events, made once. */
export interface KnownPlace extends Place {
  /** `,"cgroup":…` and the other known fields. */
  json: Piece;
}

export const UNKNOWN_PLACE: KnownPlace = {
  cgroup: null,
  container: null,
  pod_uid: null,
  unit: null,
  json: literal(""),
};

/** The place that a path names. A path seen from inside a cgroup namespace may start with `/..`. */
export function placeAt(path: string): KnownPlace {
  const place: Place = {
    cgroup: path,
    container: containerOf(path),
    pod_uid: podUidOf(path),
    unit: unitOf(path),
  };
  return { ...place, json: literal(jsonOf(place)) };
}

function jsonOf({ cgroup, container, unit }: Place): string {
  return [
    `,"cgroup":${jsonText(cgroup)}`,
    container ? `,"container":${jsonText(container)}` : "",
    unit !== null ? `,"unit":${jsonText(unit)}` : "",
  ].join("");
}
