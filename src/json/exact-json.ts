/**
 * Members whose numbers can exceed 2^53. They are read as text, because a double would lose digits. The pattern does
 * not match within a string, because quotes are escaped there.
 */
const LARGE = /"(start_ns|cgroup_id|exited_ns|ts_ns)":(\d+)/g;

/** Parses a response or event of linnix, with these numbers as strings. Returns undefined if `text` is not JSON. */
export function exactJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(LARGE, '"$1":"$2"'));
  } catch {
    return undefined;
  }
}
