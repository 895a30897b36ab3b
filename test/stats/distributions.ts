import type { Prng } from "../../src/stats/prng.ts";

/** A distribution with its true mean and median; a mean that does not exist is null. */
export interface Distribution {
  name: string;
  draw(random: Prng): number;
  mean: number | null;
  median: number;
}

export const NORMAL: Distribution = { name: "normal", draw: (random) => random.normal(), mean: 0, median: 0 };

export const UNIFORM: Distribution = { name: "uniform", draw: (random) => random.float(), mean: 0.5, median: 0.5 };

export const EXPONENTIAL: Distribution = {
  name: "exponential",
  draw: (random) => -Math.log(1 - random.float()),
  mean: 1,
  median: Math.LN2,
};

/** Skewed like CPU times: a few values are far above the rest. */
export const LOGNORMAL: Distribution = {
  name: "log-normal, σ = 0.5",
  draw: (random) => Math.exp(random.normal() / 2),
  mean: Math.exp(1 / 8),
  median: 1,
};

export const LOGNORMAL_WIDE: Distribution = {
  name: "log-normal, σ = 1",
  draw: (random) => Math.exp(random.normal()),
  mean: Math.exp(1 / 2),
  median: 1,
};

/** Nine of ten rounds are quiet, and one of ten is ten times as noisy. */
export const CONTAMINATED: Distribution = {
  name: "contaminated normal",
  draw: (random) => random.normal() * (random.float() < 0.1 ? 10 : 1),
  mean: 0,
  median: 0,
};

/** So heavy-tailed that it has no mean at all. */
export const CAUCHY: Distribution = {
  name: "Cauchy",
  draw: (random) => Math.tan(Math.PI * (random.float() - 0.5)),
  mean: null,
  median: 0,
};
