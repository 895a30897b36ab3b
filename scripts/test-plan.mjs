// Which test files run at the same time.
import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders whose tests watch processes of this machine, boot other kernels, or change to other places. */
const OTHER_FOLDERS = ["kernel", "kernels", "places", "release"];

/**
 * Tests in test/kernel/ that measure costs, reach a verdict, or expect no lost event at full speed: other work on the
 * machine changes their result. Each of these files runs alone.
 */
const ALONE = ["collect-complete", "compare", "cost-bpf", "cost-clock", "overhead-run"];

/**
 * Tests in test/kernel/ that share something that exists only once on the machine. Of each set, one file runs at a
 * time.
 */
const SHARED = {
  // auditd, its rules, and tracefs in the mount namespace of the tests.
  audit: ["observers", "observers-audit", "observers-interrupted", "compare-interrupted"],
  // Thousands of sleeping processes.
  crowd: ["sampling", "sample-losses", "compare-interrupted"],
};

/** The slowest files, slowest first. They start first, so that they do not run on after all others have ended. */
const LONGEST = [
  ...["compare-interrupted", "observers-interrupted", "sampling", "sample-losses", "observers"],
  ...["overhead-cli", "collect-leftovers", "identity"],
];

/** @typedef {{ file: string, isAlone: boolean, shares: string[] }} TestFile */

/** Folders and files of tests that need neither root nor another kernel. */
export function unitTests() {
  return readdirSync("test", { withFileTypes: true })
    .filter((entry) => (entry.isDirectory() ? !OTHER_FOLDERS.includes(entry.name) : entry.name.endsWith(".test.ts")))
    .filter((entry) => entry.name !== "fixtures")
    .map((entry) => `./test/${entry.name}${entry.isDirectory() ? "/" : ""}`);
}

/** The files of test/places/: their names are such that the test runner does not find them by itself. */
export function placesTests() {
  const files = readdirSync("test/places").filter((name) => name.endsWith(".slow.ts"));
  return files.sort().map((name) => `./test/places/${name}`);
}

/**
 * The files of test/kernel/, in the order in which to start them.
 *
 * @returns {TestFile[]}
 */
export function kernelTests() {
  const names = readdirSync("test/kernel")
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => file.slice(0, -".test.ts".length))
    .sort();
  for (const name of [...ALONE, ...Object.values(SHARED).flat(), ...LONGEST]) {
    if (!names.includes(name)) throw new Error(`scripts/test-plan.mjs names ${name}: there is no such test file`);
  }
  const first = LONGEST.filter((name) => names.includes(name));
  return [...first, ...names.filter((name) => !first.includes(name))].map((name) => ({
    file: `./${join("test/kernel", `${name}.test.ts`)}`,
    isAlone: ALONE.includes(name),
    shares: Object.keys(SHARED).filter((what) => SHARED[what].includes(name)),
  }));
}

/**
 * Runs every file: `atOnce` files at a time, files that share something one after the other, and files that run alone
 * at the end. A failed file then runs a second time, alone, because other work on the machine may have caused the
 * failure. The second run decides.
 *
 * @param {TestFile[]} files in the order in which to start them
 * @param {() => number} atOnce how many files may run at the same time now
 * @param {(file: string) => Promise<number>} run runs one file and returns its exit code
 * @param {Promise<unknown>} [others] other work: files that run alone wait for its end
 * @returns {Promise<number>} the first exit code of a second run that is not 0, else 0
 */
export async function runPlan(files, atOnce, run, others) {
  const failed = [];
  const waiting = files.filter(({ isAlone }) => !isAlone);
  const inUse = new Set();
  const running = new Set();

  const start = async ({ file, shares }) => {
    for (const what of shares) inUse.add(what);
    if ((await run(file)) !== 0) failed.push(file);
    for (const what of shares) inUse.delete(what);
  };

  while (waiting.length > 0 || running.size > 0) {
    while (running.size < Math.max(atOnce(), 1)) {
      const next = waiting.findIndex(({ shares }) => !shares.some((what) => inUse.has(what)));
      if (next < 0) break;
      const ended = start(waiting.splice(next, 1)[0]).then(() => running.delete(ended));
      running.add(ended);
    }
    await Promise.race(running);
  }

  await others;
  for (const { file } of files.filter(({ isAlone }) => isAlone)) {
    if ((await run(file)) !== 0) failed.push(file);
  }
  let result = 0;
  for (const file of failed) {
    const code = await run(file);
    result ||= code;
  }
  return result;
}
