/**
 * Does overhead-test find a cost whose size is known?
 *
 * The subject is a process that only uses a given share of CPU time, controlled by its own CPU clock. The bench
 * compares the result with that share:
 * `sudo bun bench/overhead-known.ts [--json]`, about two minutes. On a quiet machine the ratio is 1.
 */
import { parseArgs } from "node:util";
import { runOverheadTest } from "../src/overhead/run.ts";
import { formatInterval, formatNumber } from "../src/report/format.ts";

const BURDENS_PCT = [0.2, 1, 5];
/** The burner uses its share in each period of this length, ms. */
const STRETCH_MS = 500;

const { values } = parseArgs({ options: { json: { type: "boolean", default: false } } });

/** Burns CPU time up to a share of the time since it began. */
function burner(pct: number): string {
  return `
    const began = performance.now();
    const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
    const before = used();
    setInterval(() => {
      const share = (performance.now() - began) * ${pct / 100};
      while (used() - before < share);
    }, ${STRETCH_MS});
  `;
}

const results = [];
for (const burdenPct of BURDENS_PCT) {
  console.error(`measuring a burden of ${burdenPct} %`);
  const { total, verdict } = await runOverheadTest(
    {
      subject: { kind: "command", argv: [process.execPath, "-e", burner(burdenPct)] },
      baselineMs: 500,
      durationMs: 10_000,
      intervalMs: 1000,
      thresholdPct: 1,
      rate: 50,
      profile: "seed",
      seed: 1,
      quick: true,
    },
    { planned() {}, phase() {}, sample() {}, note: console.error },
    new AbortController().signal,
  );
  results.push({ burdenPct, foundPct: total?.avg_cpu_pct ?? null, ci95: total?.ci95 ?? null, verdict });
}

if (values.json) {
  console.log(JSON.stringify(results));
} else {
  console.log("burden %  found %  95 % interval     ratio  verdict");
  for (const { burdenPct, foundPct, ci95, verdict } of results) {
    const ratio = formatNumber((foundPct ?? Number.NaN) / burdenPct);
    console.log(
      `${formatNumber(burdenPct).padStart(8)}  ${formatNumber(foundPct).padStart(7)}  ${formatInterval(ci95).padEnd(16)}  ${ratio}  ${verdict}`,
    );
  }
}
