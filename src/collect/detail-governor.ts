import { DETAIL_LEVELS, type DetailLevel } from "../wire/detail-level.ts";

/**
 * Initial price of an event (a fork, exec or exit) at each level: CPU time of user space, ns. A run replaces it by
 * prices that it measures.
 */
const FIRST_PRICE_NS = { events: 7000, processes: 3500, summary: 0 } as const satisfies Record<DetailLevel, number>;
/**
 * A measured price may differ from the initial one by this factor at most, because the measured time includes other
 * work.
 */
const MOST_OFF = 4;
/** At fewer events a second the governor does not learn the price of an event: other work would distort it. */
const LEAST_PER_SECOND = 300;
/** Weight of the newest measurement. */
const NEWEST = 0.3;
/** How long a run loads and compiles after its start, ns. The level does not change in this time. */
const WARM_NS = 10e9;
/** If the cost is above the budget for this time, ns, the level becomes poorer. */
const DOWN_AFTER_NS = 2e9;
/** If the next richer level would cost less than `UP_BELOW` of the budget for this time, ns, it becomes the level. */
const UP_AFTER_NS = 30e9;
export const UP_BELOW = 0.7;

export interface DetailLimits {
  /** The richest level, which the settings choose. */
  configured: DetailLevel;
  /** The poorest level that the settings allow. */
  floor: DetailLevel;
  /** % of one core; 0: no budget. */
  budgetPct: number;
}

/** Measurements since the previous look. */
export interface DetailLook {
  elapsedNs: number;
  /** Events whose cost depends on the level: see `costlyEvents`. */
  events: number;
  /** CPU time that this process spent on collecting. */
  cpuNs: number;
}

/**
 * Decides the level of detail from the number of events and the price of an event at each level. It compares the
 * estimated costs of the levels, not the measured cost, because `summary` costs little whatever happens. It uses no
 * clock.
 */
export class DetailGovernor {
  #limits: DetailLimits;
  #level: DetailLevel;
  readonly #priceNs: Record<DetailLevel, number> = { ...FIRST_PRICE_NS };
  #ageNs = 0;
  #overNs = 0;
  #underNs = 0;
  #sinceSwitchNs = 0;

  constructor(limits: DetailLimits) {
    this.#limits = limits;
    this.#level = limits.configured;
  }

  get level(): DetailLevel {
    return this.#level;
  }

  get isHeldBack(): boolean {
    return this.#level !== this.#limits.configured;
  }

  /** Whether the limits allow a poorer level. */
  get canStepDown(): boolean {
    return rank(this.#level) < rank(this.#limits.floor);
  }

  /** Whether the limits allow a poorer level, and the present one costs more than the budget. */
  get isAboutToStepDown(): boolean {
    return this.canStepDown && this.#overNs > 0;
  }

  /** @returns the new level; null if the level stays */
  look({ elapsedNs, events, cpuNs }: DetailLook): DetailLevel | null {
    if (elapsedNs <= 0) return null;
    this.#ageNs += elapsedNs;
    this.#sinceSwitchNs += elapsedNs;
    const perSecond = (events * 1e9) / elapsedNs;
    const pctAt = (level: DetailLevel) => (100 * perSecond * this.#priceNs[level]) / 1e9;
    const { budgetPct, configured, floor } = this.#limits;
    if (budgetPct === 0) return null;
    // The first measurement after a switch does not count, because it includes events of the previous level.
    if (this.#sinceSwitchNs > elapsedNs && perSecond >= LEAST_PER_SECOND) this.#learn(cpuNs / events);
    if (this.#ageNs < WARM_NS) return null;
    this.#overNs = pctAt(this.#level) > budgetPct ? this.#overNs + elapsedNs : 0;
    if (this.#overNs >= DOWN_AFTER_NS && this.canStepDown) {
      const poorer = DETAIL_LEVELS.slice(rank(this.#level) + 1, rank(floor) + 1);
      return this.#become(poorer.find((level) => pctAt(level) <= budgetPct) ?? floor);
    }
    const richer = this.isHeldBack ? DETAIL_LEVELS[Math.max(rank(this.#level) - 1, rank(configured))] : undefined;
    this.#underNs = richer && pctAt(richer) < UP_BELOW * budgetPct ? this.#underNs + elapsedNs : 0;
    return richer && this.#underNs >= UP_AFTER_NS ? this.#become(richer) : null;
  }

  /** Changes the limits. @returns the new level; null if the level stays */
  setLimits(limits: DetailLimits): DetailLevel | null {
    const before = this.#limits;
    this.#limits = limits;
    const isAllowed = rank(this.#level) > rank(limits.configured) && rank(this.#level) <= rank(limits.floor);
    const stays = limits.configured === before.configured && limits.budgetPct > 0 && isAllowed;
    return stays || this.#level === limits.configured ? null : this.#become(limits.configured);
  }

  #learn(ns: number): void {
    const first = FIRST_PRICE_NS[this.#level];
    const bounded = Math.min(Math.max(ns, first / MOST_OFF), first * MOST_OFF);
    this.#priceNs[this.#level] += NEWEST * (bounded - this.#priceNs[this.#level]);
  }

  #become(level: DetailLevel): DetailLevel {
    this.#level = level;
    this.#overNs = 0;
    this.#underNs = 0;
    this.#sinceSwitchNs = 0;
    return level;
  }
}

/** Position of a level in the order of detail; 0 is the richest. */
function rank(level: DetailLevel): number {
  return DETAIL_LEVELS.indexOf(level);
}
