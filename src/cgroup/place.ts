import { jsonText, literal, type Piece } from "../json/byte-writer.ts";
import type { Container } from "../wire/event.ts";
import { containerOf, podUidOf, unitOf } from "./cgroup-path.ts";

/** Where a process belongs, with the field names of the JSON. */
export interface Place {
  /** Path in the hierarchy, from its root; null: not known. */
  cgroup: string | null;
  container: Container | null;
  pod_uid: string | null;
  /** The host's systemd's: see `unitOf`. */
  unit: string | null;
}

/** A place with its JSON for events, made once. */
export interface KnownPlace extends Place {
  /** `,"cgroup":…` and so on, what is known only. */
  json: Piece;
}

export const UNKNOWN_PLACE: KnownPlace = {
  cgroup: null,
  container: null,
  pod_uid: null,
  unit: null,
  json: literal(""),
};

/** What the path says. One from inside a cgroup namespace may start with `/..`. */
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
