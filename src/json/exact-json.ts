/**
 * Numbers that can exceed 2^53. They are read as text, because a number would lose digits. In a string the quotes
 * before them are escaped, so this does not match there.
 */
const LARGE = /"(start_ns|cgroup_id|exited_ns|ts_ns)":(\d+)/g;

/** An answer or event of linnix, with those numbers as text; undefined if it is no JSON. */
export function exactJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(LARGE, '"$1":"$2"'));
  } catch {
    return undefined;
  }
}
