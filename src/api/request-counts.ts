/** Codes with a count of 0 from the start, so that Prometheus sees the first answer with this code as an increase. */
const USUAL = [200, 400, 401, 403, 404, 429, 500, 503];

/** Counts answers by status code. */
export class RequestCounts {
  readonly #counts = new Map<number, number>(USUAL.map((code) => [code, 0]));

  add(code: number): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  byCode(): (readonly [{ code: number }, number])[] {
    return [...this.#counts].map(([code, count]) => [{ code }, count] as const);
  }
}
