/** How long unused budget accumulates. An answer about thousands of processes may spend all of it. */
const BURST_S = 10;
/** CPU time that a burst of refusals may take, ns. A refusal is cheap, but a client can repeat requests very fast. */
const REFUSING_BURST_NS = 50e6;
/** Longest time without accepting connections, ms. A longer pause could exceed the time-out of a health check. */
const MAX_REST_MS = 250;

/** The decision about a request. */
export type Allowance = "answer" | "refuse";

/**
 * The CPU time that answers may take: a share of one core, plus what they left unused in the last seconds. Collecting
 * has priority, and a client must not be able to load the machine through linnix.
 */
export class AnswerBudget {
  readonly #usedNs: () => number;
  readonly #nowMs: () => number;
  #pct: number;
  /** CPU time that answers may still take, ns. */
  #allowedNs: number;
  /** CPU time that refusals may still take, ns. If none is left, linnix accepts no connections for a while. */
  #refusingNs = REFUSING_BURST_NS;
  #sinceMs: number;
  #chargedNs: number;

  /**
   * @param pct of one core; 0: no limit
   * @param usedNs CPU time that answering has taken so far, ns
   */
  constructor(pct: number, usedNs: () => number, nowMs: () => number = () => performance.now()) {
    this.#pct = pct;
    this.#usedNs = usedNs;
    this.#nowMs = nowMs;
    this.#allowedNs = this.#burstNs;
    this.#sinceMs = nowMs();
    this.#chargedNs = usedNs();
  }

  set pct(pct: number) {
    this.#settle();
    this.#pct = pct;
    this.#allowedNs = Math.min(this.#allowedNs, this.#burstNs);
  }

  /** Whether a request may be answered now. */
  ask(): Allowance {
    if (this.#pct === 0) return "answer";
    this.#settle();
    return this.#allowedNs > 0 ? "answer" : "refuse";
  }

  /** How long no connection should be accepted, ms, because even refusals cost too much; 0: accept. */
  restMs(): number {
    if (this.#pct === 0 || this.#refusingNs > 0) return 0;
    return Math.min(MAX_REST_MS, Math.ceil(-this.#refusingNs / this.#nsPerMs));
  }

  /** Time until some requests may be answered again, s. */
  get retryAfterS(): number {
    return Math.max(1, Math.ceil(-this.#allowedNs / this.#nsPerMs / 1000));
  }

  /** The budget in ns per ms: 100 % is 10⁶. */
  get #nsPerMs(): number {
    return (this.#pct / 100) * 1e6;
  }

  get #burstNs(): number {
    return this.#nsPerMs * 1000 * BURST_S;
  }

  #settle(): void {
    const nowMs = this.#nowMs();
    const usedNs = this.#usedNs();
    const isRefusing = this.#allowedNs <= 0;
    const gainNs = (nowMs - this.#sinceMs) * this.#nsPerMs;
    const usedSinceNs = usedNs - this.#chargedNs;
    this.#allowedNs = Math.min(this.#burstNs, this.#allowedNs + gainNs - usedSinceNs);
    this.#refusingNs = Math.min(REFUSING_BURST_NS, this.#refusingNs + gainNs - (isRefusing ? usedSinceNs : 0));
    this.#sinceMs = nowMs;
    this.#chargedNs = usedNs;
  }
}
