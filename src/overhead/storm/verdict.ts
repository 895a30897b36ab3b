import type { Verdict, VerdictName } from "../../measure/verdict.ts";
import { formatCount, withPercent } from "../../report/format.ts";
import { COUNTED_TYPES } from "../../wire/event.ts";
import { EVENTS_PER_PROCESS } from "../../workload/profiles.ts";
import { lowestStormRate } from "./options.ts";
import { total } from "./output.ts";
import type { StormEvents, StormFigures, StormHead } from "./result.ts";

/** Length of the buckets in which rates are counted, s. */
const BUCKET_S = 0.05;

interface Finding {
  says: VerdictName;
  reason: string;
}

/**
 * Judges a storm. INCONCLUSIVE if the run ended early. Otherwise FAIL if a part is disproven: the collector ended by
 * itself, an event was lost, the counts do not add up, the neighbour's processes are not complete and in order, or the
 * cost is above the limit. Otherwise INCONCLUSIVE if a part was not measured, or no event of the storm was suppressed.
 *
 * @param incomplete why the run ended early; null if it did not
 */
export function judgeStorm(figures: StormFigures, budget: StormHead["budget"], incomplete: string | null): Verdict {
  // An incomplete run proves nothing: output that was not read may have the neighbour's missing events.
  if (incomplete !== null) return { verdict: "INCONCLUSIVE", reasons: [incomplete] };
  const findings = [
    ...judgeCollector(figures),
    ...judgeEvents(figures.events),
    ...judgeNeighbour(figures, budget),
    ...judgeCost(figures),
    ...judgeReach(figures, budget),
  ];
  const said = (name: VerdictName) => findings.filter(({ says }) => says === name).map(({ reason }) => reason);
  const [failed, open] = [said("FAIL"), said("INCONCLUSIVE")];
  if (failed.length > 0) return { verdict: "FAIL", reasons: [...failed, ...open] };
  if (open.length > 0) return { verdict: "INCONCLUSIVE", reasons: open };
  return { verdict: "PASS", reasons: said("PASS") };
}

function judgeCollector({ problem }: StormFigures): Finding[] {
  return problem === null ? [] : [fail(`the collector did not run to the end: ${problem}`)];
}

function judgeEvents(events: StormEvents | null): Finding[] {
  if (events === null) return [open("the collector did not write its summary")];
  const uneven = COUNTED_TYPES.filter(
    (type) =>
      events.seen[type] !==
        events.filtered[type] + events.suppressed[type] + events.folded[type] + events.emitted[type] ||
      events.emitted[type] !== events.received[type] + events.lost_by_type[type],
  );
  return [
    events.lost === 0 ? pass("nothing lost") : fail(`${formatCount(events.lost)} events lost`),
    ...(uneven.length > 0 ? [fail(`the counts of ${uneven.join(", ")} do not add up`)] : []),
  ];
}

function judgeNeighbour({ neighbour, events }: StormFigures, budget: StormHead["budget"]): Finding[] {
  if (neighbour === null || neighbour.spawned === 0) return [open("the neighbour made no process")];
  const { spawned, captured, out_of_order, most_in_50_ms } = neighbour;
  if (captured === spawned && out_of_order === 0) {
    return [pass(`all ${formatCount(spawned)} processes of the neighbour captured, in order`)];
  }
  if (events !== null && total(events.folded) > 0) {
    return [
      open("single processes are not in the output: detail is below events, or budget.floor allowed a lower level"),
    ];
  }
  const limit = lowestStormRate({ stormRate: budget.storm_rate }) * BUCKET_S;
  if (EVENTS_PER_PROCESS * most_in_50_ms > limit) {
    return [open(`the neighbour was not quiet: it fell behind, and made ${most_in_50_ms} processes within 50 ms`)];
  }
  const problems = [
    captured < spawned && `${formatCount(spawned - captured)} of ${formatCount(spawned)} processes not captured`,
    out_of_order > 0 && `${formatCount(out_of_order)} events out of order`,
  ].filter((text) => text !== false);
  return [fail(`the neighbour is not complete: ${problems.join(", ")}`)];
}

function judgeCost({ cost, storm }: StormFigures): Finding[] {
  if (storm === null) return [open("the run did not reach the storm")];
  if (cost === null || cost.most_pct === null) {
    return [
      open("the cost in the storm was not measured: this test did not run all the time, or the storm was too short"),
    ];
  }
  const { most_pct, limit_pct } = cost;
  if (limit_pct === null) return [];
  const text = `${withPercent(most_pct)} of one core in any 5 s`;
  if (most_pct <= limit_pct) return [pass(`at most ${text}, and ${withPercent(limit_pct)} allowed`)];
  return [fail(`collecting took ${text}, and ${withPercent(limit_pct)} is allowed`)];
}

/** A storm proves nothing if none of its events was suppressed. */
function judgeReach({ storm }: StormFigures, { storm_rate }: StormHead["budget"]): Finding[] {
  if (storm === null || total(storm.suppressed) > 0) return [];
  if (storm_rate === 0) return [open("budget.storm_rate is 0: no source is limited")];
  return [open("this machine's storm did not exceed the rate above which events are counted instead of sent")];
}

function pass(reason: string): Finding {
  return { says: "PASS", reason };
}

function fail(reason: string): Finding {
  return { says: "FAIL", reason };
}

function open(reason: string): Finding {
  return { says: "INCONCLUSIVE", reason };
}
