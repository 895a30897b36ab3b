import { DETAIL_LEVELS, type DetailLevel } from "../wire/detail-level.ts";

/** User CPU time of an event of the kernel (a fork, exec or exit), ns, until a run has measured its own. */
const FIRST_PRICE_NS = { events: 7000, processes: 3500, summary: 0 } as const satisfies Record<DetailLevel, number>;
/** A measured price may differ from the first one by this factor: windows hold other work as well. */
const MOST_OFF = 4;
/** At fewer events a second the governor does not learn the price of an event: other work would distort it. */
const LEAST_PER_SECOND = 300;
/** Weight of the newest measurement. */
const NEWEST = 0.3;
/** How long a run loads and compiles, from its start. */
const WARM_NS = 10e9;
/** A cost above the budget for this time means one step down. */
const DOWN_AFTER_NS = 2e9;
/** A cost well below the budget for this time means one step up. */
const UP_AFTER_NS = 30e9;
export const UP_BELOW = 0.7;

export interface DetailLimits {
  /** The richest level: that of the settings. */
  configured: DetailLevel;
  /** The poorest one that the user allows. */
  floor: DetailLevel;
  /** % of one core; 0: no budget. */
  budgetPct: number;
}

/** What happened since the look before. */
export interface DetailLook {
  elapsedNs: number;
  /** Events of the kernel that filters let through. */
  events: number;
  /** CPU time of the user side. */
  cpuNs: number;
}

/**
 * Decides the level of detail from the kernel's count of events and what one costs at each level. It compares what a level
 * would cost, not what the present one does: `summary` costs little whatever happens. Pure: knows no clock.
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

  /** Whether a poorer level is left. */
  get canStepDown(): boolean {
    return rank(this.#level) < rank(this.#limits.floor);
  }

  /** @returns the level from here on, if it is another one */
  look({ elapsedNs, events, cpuNs }: DetailLook): DetailLevel | null {
    if (elapsedNs <= 0) return null;
    this.#ageNs += elapsedNs;
    this.#sinceSwitchNs += elapsedNs;
    const perSecond = (events * 1e9) / elapsedNs;
    const pctAt = (level: DetailLevel) => (100 * perSecond * this.#priceNs[level]) / 1e9;
    const { budgetPct, configured, floor } = this.#limits;
    if (budgetPct === 0) return null;
    // What is read at first after a switch was made at the level before.
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

  /** Takes new limits. @returns the level from here on, if it is another one */
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

/** 0: the richest. */
function rank(level: DetailLevel): number {
  return DETAIL_LEVELS.indexOf(level);
}
