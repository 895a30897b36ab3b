/**
 * Does the slowdown estimator find slowdowns whose size is known?
 *
 * One arm busy-waits for a given time after each bare fork. The estimator does not know that time, and must find it in
 * the duration of the whole operation: `bun bench/slowdown-known.ts [--rounds N] [--seed N] [--no-pin] [--json]`, about
 * 20 s.
 *
 * The column "fork" shows how much slower or faster the fork alone is with waits than without: about 0 on a quiet
 * machine. On a saturated machine, waits of 10 µs and more changed it by some 2 µs in either direction, because the
 * kernel's deferred work then runs at another moment. The true slowdown then differs from the added time, and the
 * estimator is right to report that.
 */
import { parseArgs } from "node:util";
import { bareFork, runSlowdownRounds, slowdownByMetric } from "../src/measure/slowdown.ts";
import { noiseBetween, readNoiseCounters } from "../src/procfs/noise.ts";
import { median, quantile } from "../src/stats/quantile.ts";

const ADDED_US = [0, 1, 2, 5, 10, 20];

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    "no-pin": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);

function busyWait(ns: number): void {
  const end = Bun.nanoseconds() + ns;
  while (Bun.nanoseconds() < end);
}

/** The real duration of a wait of that length, µs. A wait exceeds its length by up to one read of the clock. */
function realWaitUs(us: number): number {
  return median(
    Array.from({ length: 5000 }, () => {
      const began = Bun.nanoseconds();
      busyWait(us * 1000);
      return (Bun.nanoseconds() - began) / 1000;
    }),
  );
}

const fork = bareFork();
const emptyUs = realWaitUs(0);
const results = [];
const before = readNoiseCounters();
const began = performance.now();
for (const addedUs of ADDED_US) {
  // The wait of length 0 stays in both arms, so that only its length differs.
  const trueUs = realWaitUs(addedUs) - emptyUs;
  let waitNs = 0;
  const forkUs: Record<"on" | "off", number[]> = { on: [], off: [] };
  const done = await runSlowdownRounds({
    operation: {
      name: fork.name,
      run() {
        const forkBegan = Bun.nanoseconds();
        fork.run();
        forkUs[waitNs > 0 ? "on" : "off"].push((Bun.nanoseconds() - forkBegan) / 1000);
        busyWait(waitNs);
      },
    },
    arm(on) {
      waitNs = on ? addedUs * 1000 : 0;
    },
    rounds,
    seed,
    pin: !values["no-pin"],
  });
  const forkChangeUs = addedUs === 0 ? 0 : quantile(forkUs.on, 0.25) - quantile(forkUs.off, 0.25);
  results.push({ addedUs, trueUs, forkChangeUs, slowdowns: slowdownByMetric(fork.name, done, seed), rounds: done });
}
const elapsedS = (performance.now() - began) / 1000;
const noise = noiseBetween(before, readNoiseCounters());

if (values.json) {
  console.log(JSON.stringify({ seed, pinned: !values["no-pin"], elapsedS, noise, results }));
} else {
  const fixed = (value: number, width: number, digits = 2): string => value.toFixed(digits).padStart(width);
  const interval = ([lo, hi]: readonly [number, number]): string => `[${fixed(lo, 6)}, ${fixed(hi, 6)}]`;
  console.log("added and found, µs an operation; found within the 95 % interval: ✓\n");
  console.log("metric   true    found  95 % interval          null interval     detectable  operation    fork");
  for (const { trueUs, forkChangeUs, slowdowns } of results) {
    for (const found of slowdowns) {
      const holds = found.usCi95[0] <= trueUs && trueUs <= found.usCi95[1];
      console.log(
        `${found.metric.padEnd(5)} ${fixed(trueUs, 7)} ${fixed(found.us, 8)}  ${interval(found.usCi95)} ${holds ? "✓" : "✗"}  ` +
          `${interval(found.nullUsCi95)}  ${fixed(found.smallestDetectableUs, 8)}  ${fixed(found.operationUs, 9, 1)} ${found.metric === "p25" ? fixed(forkChangeUs, 7) : ""}`,
      );
    }
    console.log();
  }
  console.log(
    `${results[0]?.rounds.length} rounds each, ${elapsedS.toFixed(1)} s, seed ${seed}, ` +
      `machine ${noise.busyMachinePct?.toFixed(0)} % busy, stolen ${noise.stealMachinePct?.toFixed(1)} %`,
  );
}
