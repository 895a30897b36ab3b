/**
 * The tests of the API and of SIGHUP under attack, at full size: 4,000 random requests checked against /openapi.json,
 * 70,000 mutated connections, a storm of 1,400 idle connections, 1,000 SIGHUPs, the table of secrets and harmless
 * command lines. `npm test` runs the same files, but with only 5,000 connections.
 *
 *   bun bench/attack.ts [--seed N]
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({ options: { seed: { type: "string" } } });
const ROOT = join(import.meta.dir, "..");
/** 70,000 connections take 20 s, or a few minutes on a busy machine. */
const TIMEOUT_MS = "600000";

const ATTACKS = [
  "test/api/random-requests.test.ts",
  "test/api/mutated-connections.test.ts",
  "test/api/idle-storm.test.ts",
  "test/kernel/collect-signals.test.ts",
  "test/config/recommended-redaction.test.ts",
];

const env = {
  ...process.env,
  LINNIX_TEST_REQUESTS: "4000",
  LINNIX_TEST_CONNECTIONS: "70000",
  LINNIX_TEST_IDLE: "1400",
  LINNIX_TEST_HANGUPS: "1000",
  ...(options.seed === undefined ? {} : { LINNIX_TEST_SEED: options.seed }),
};

let failed = 0;
for (const file of ATTACKS) {
  const fromMs = performance.now();
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, "test", "--timeout", TIMEOUT_MS, file], {
    cwd: ROOT,
    env,
    stdout: "ignore",
    stderr: "pipe",
  });
  const text = stderr.toString();
  const counts = ["pass", "fail", "skip"].map((word) => `${new RegExp(`(\\d+) ${word}`).exec(text)?.[1] ?? 0} ${word}`);
  console.log(`${file.padEnd(46)} ${counts.join(", ")}  ${((performance.now() - fromMs) / 1000).toFixed(1)} s`);
  if (exitCode !== 0) {
    failed++;
    console.log(text);
  }
}
process.exitCode = failed === 0 ? 0 : 1;
