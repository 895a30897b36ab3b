/** Answers by status code. */
export class RequestCounts {
  readonly #counts = new Map<number, number>([[200, 0]]);

  add(code: number): void {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
  }

  byCode(): (readonly [{ code: number }, number])[] {
    return [...this.#counts].map(([code, count]) => [{ code }, count] as const);
  }
}
