/** Why a regular expression cannot be used, as a clause; null where it can. */
export function patternRefusal(text: string): string | null {
  if (text === "") return "empty";
  try {
    new RegExp(text, "u");
    return null;
  } catch {
    return "not a regular expression";
  }
}
