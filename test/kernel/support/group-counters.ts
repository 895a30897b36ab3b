const OF_GROUPS = /^linnix_(?:group|ended_groups|machine|unattributed|unexplained)_/;
const PARTS = /^linnix_(?:group|ended_groups|unattributed|unexplained)_cpu_seconds_total\b/;
const BUSY = "linnix_machine_busy_cpu_seconds_total";

/** Values of the counters of groups, and of the buckets of histograms, by series. */
export function countersOf(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  let isCounter = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("# TYPE ")) isCounter = /(?:counter|histogram)$/.test(line);
    else if (isCounter && OF_GROUPS.test(line)) {
      const at = line.lastIndexOf(" ");
      counters.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
  }
  return counters;
}

/** Describes each counter that is lower at a scrape than at the previous scrape. */
export function fallsIn(scrapes: readonly ReadonlyMap<string, number>[]): string[] {
  return scrapes.slice(1).flatMap((counters, at) =>
    [...(scrapes[at] as ReadonlyMap<string, number>)].flatMap(([name, before]) => {
      const now = counters.get(name);
      return now !== undefined && now < before ? [`${name} fell from ${before} to ${now}`] : [];
    }),
  );
}

/** CPU time of the machine and the sum of its parts, as /metrics renders them, ns. */
export function booksOf(counters: ReadonlyMap<string, number>): { busyNs: number; sumNs: number } {
  const ns = (seconds: number) => Math.round(seconds * 1e9);
  const parts = [...counters].filter(([name]) => PARTS.test(name));
  return {
    busyNs: ns(counters.get(BUSY) ?? Number.NaN),
    sumNs: parts.reduce((sum, [, seconds]) => sum + ns(seconds), 0),
  };
}
