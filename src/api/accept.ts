/**
 * The weight of a media type in `Accept`, 0 to 1 (RFC 9110, section 12.5.1). The most specific range that includes the
 * type decides; of equally specific ranges, the one with the highest weight.
 */
export function qualityOf(type: string, accept: string | null): number {
  let best = { specificity: -1, q: 0 };
  for (const part of (accept ?? "*/*").split(",")) {
    const [range = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const specificity = ["*/*", `${type.split("/")[0]}/*`, type].indexOf(range);
    const q = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (specificity < 0 || specificity < best.specificity || Number.isNaN(q)) continue;
    best = { specificity, q: specificity === best.specificity ? Math.max(q, best.q) : q };
  }
  return best.q;
}
