import { quote } from "./units.ts";

/** No setting has more parts: the rest would only make a message long. */
const MAX_PARTS = 4;

/** A path of keys in the form of a document, such as `ring.size`. A long one is cut, like values. */
export function keyName(path: readonly string[]): string {
  const parts = path.slice(0, MAX_PARTS).map((part) => {
    const quoted = quote(part);
    return /^[A-Za-z0-9_-]+$/.test(part) ? quoted.slice(1, -1) : quoted;
  });
  return `${parts.join(".")}${path.length > MAX_PARTS ? "…" : ""}`;
}
