/** Codes that are counted from the start, so that the first answer of that kind is an increase. */
const USUAL = [200, 400, 401, 403, 404, 429, 500, 503];

/** Answers by status code. */
export class RequestCounts {
  readonly #counts = new Map<number, number>(USUAL.map((code) => [code, 0]));

  add(code: number): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  byCode(): (readonly [{ code: number }, number])[] {
    return [...this.#counts].map(([code, count]) => [{ code }, count] as const);
  }
}
