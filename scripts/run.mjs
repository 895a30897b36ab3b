// The entry point of all npm scripts. It installs missing packages, builds the program if it is out of date, then runs
// the job. It needs only Node.js (18 or later) and npm.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CannotSetUp, holdLock, say } from "./setup/common.mjs";
import { setUpNpmPackages } from "./setup/npm.mjs";
import { setUpNullDevice } from "./setup/null-device.mjs";
import {
  ARM64_NEEDS,
  BUILD_NEEDS,
  PLACES_NEEDS,
  RELEASE_NEEDS,
  RELEASE_TEST_NEEDS,
  setUpSystem,
  TEST_NEEDS,
} from "./setup/system.mjs";
import { kernelTests, placesTests, runPlan, unitTests } from "./test-plan.mjs";
import { mergedReport, secondReport } from "./test-reports.mjs";

/** The arguments with which `npm start` runs dist/linnix. `npm start -- …` adds more. */
const START = ["overhead-test"];

/** Time limit of a test, ms. A kernel test waits for real processes, on a machine that may be busy. */
const TEST_TIMEOUT_MS = 120_000;

/** Maximum time from the end of a test run until its output has arrived, ms. */
const LEFT_BEHIND_MS = 10_000;

const BUN = "node_modules/.bin/bun";
const BINARY = "dist/linnix";

/** Tests of one kind: the packages of the system that they need, and how they run. */
const UNIT = { needs: BUILD_NEEDS, run: () => test([`--parallel=${cpus()}`, ...unitTests()]) };
const KERNEL = { needs: [...BUILD_NEEDS, ...TEST_NEEDS], run: runKernelTests };
const KERNELS_FILES = ["./test/kernels/"];
const KERNELS = { needs: KERNEL.needs, run: () => test(KERNELS_FILES) };
/**
 * Unit tests, kernel tests, and tests on other kernels. Other kernels boot while the unit tests run, and while the
 * kernel tests run that need no quiet machine.
 */
const USUAL = { needs: KERNEL.needs, run: runUsualTests };
const PLACES = {
  needs: [...KERNEL.needs, ...PLACES_NEEDS],
  run: () => test(["./test/kernel/places.test.ts", ...placesTests()]),
};
const RELEASE = {
  needs: [...KERNEL.needs, ...RELEASE_NEEDS, ...RELEASE_TEST_NEEDS],
  run: () => test(["./test/release/release.slow.ts"]),
};

/** Each job: the packages of the system that it needs, whether it needs the binary, and its steps in order. */
const JOBS = {
  start: { needs: BUILD_NEEDS, binary: true, steps: (args) => [() => run([BINARY, ...START, ...args])] },
  build: { needs: BUILD_NEEDS, binary: false, steps: (args) => [() => run([BUN, "build.ts", ...args])] },
  // Prepares everything that the tests need, so that several test runs can run at the same time.
  prepare: { needs: KERNEL.needs, binary: true, steps: () => [] },
  test: tests(USUAL),
  // For frequent use during development: it needs only the build, and no root.
  "test:unit": tests(UNIT),
  "test:kernel": tests(KERNEL),
  "test:kernels": tests(KERNELS),
  // Tests that take minutes and are not part of `npm test`: places, kernels for arm64, whole releases.
  "test:places": tests(PLACES),
  "test:release": tests(RELEASE),
  "test:all": tests(USUAL, PLACES, RELEASE),
  "test:arm64": {
    needs: [...KERNEL.needs, ...ARM64_NEEDS],
    binary: true,
    steps: () => [
      () => run([BUN, "build.ts", "--target", "linux-arm64"]),
      () => test(["./test/kernels/kernels.test.ts"], { LINNIX_TEST_ARCH: "arm64" }),
    ],
  },
  release: {
    needs: [...BUILD_NEEDS, ...RELEASE_NEEDS],
    binary: false,
    steps: (args) => [() => run([BUN, "scripts/release.ts", ...args])],
  },
  check: {
    needs: BUILD_NEEDS,
    binary: false,
    steps: () => [
      () => run(["node_modules/.bin/tsc", "--noEmit", "-p", "."]),
      () => run(["node_modules/.bin/tsc", "--noEmit", "-p", "src/page"]),
      () => run(["node_modules/.bin/biome", "check", "--error-on-warnings", "."]),
      () => run([BUN, "build.ts", "--check-layout"]),
      () => run([BUN, "scripts/house.ts"]),
    ],
  },
};

/** A job that runs tests of these kinds. If there are arguments, the test runner receives only the arguments. */
function tests(...kinds) {
  return {
    needs: [...new Set(kinds.flatMap(({ needs }) => needs))],
    binary: true,
    steps: (args) => (args.length > 0 ? [() => test(args)] : kinds.map((kind) => kind.run)),
  };
}

/** Number of CPUs that this process may use. */
function cpus() {
  return availableParallelism();
}

/**
 * Number of files of test/kernel/ that run at a time. They wait for half of their time, so that two files leave two
 * CPUs idle for a third of the time.
 */
function kernelFilesAtOnce() {
  return Math.min(3, cpus() + 1);
}

/** Reports of the runs so far, by the test files. LINNIX_TEST_REPORT names one file for all reports. */
const reports = new Map();

/** Runs the test runner in the foreground, and returns its exit code. */
function test(args, env = {}) {
  return withReport(args, (options) => run([BUN, "test", ...options, ...args], env));
}

/** Runs tests, prints all their output at the end, and returns their exit code. */
async function testPrintingAtEnd(args) {
  return interrupted || withReport(args, (options) => runPrintingAtEnd([BUN, "test", ...options, ...args]));
}

/** Runs the files of test/kernel/ several at a time, and those that need a quiet machine alone. */
function runKernelTests() {
  return runPlan(kernelTests(), kernelFilesAtOnce, (file) => testPrintingAtEnd([file]));
}

/** Runs the usual tests. If tests on other kernels fail, they run a second time. */
async function runUsualTests() {
  let areBooting = true;
  const kernels = testPrintingAtEnd(KERNELS_FILES).finally(() => {
    areBooting = false;
  });
  const unit = await UNIT.run();
  const atOnce = () => (areBooting ? 1 : kernelFilesAtOnce());
  const kernel = await runPlan(kernelTests(), atOnce, (file) => testPrintingAtEnd([file]), kernels);
  const booted = (await kernels) && (await testPrintingAtEnd(KERNELS_FILES));
  return unit || booted || kernel;
}

/**
 * Runs `action`, which tests the files `what`, with options of the test runner. Adds the report to LINNIX_TEST_REPORT.
 */
async function withReport(what, action) {
  const options = [`--timeout=${TEST_TIMEOUT_MS}`];
  const path = process.env.LINNIX_TEST_REPORT;
  if (!path) return action(options);
  const folder = mkdtempSync(join(tmpdir(), "linnix-test-report-"));
  const own = join(folder, "report.xml");
  try {
    return await action([...options, "--reporter=junit", `--reporter-outfile=${own}`]);
  } finally {
    const key = what.join(" ");
    const report = existsSync(own) ? readFileSync(own, "utf8") : "";
    const first = reports.get(key);
    reports.set(key, first === undefined ? report : secondReport(first, report));
    writeFileSync(path, mergedReport([...reports.values()]));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a command to its end with this process's own input and output, and returns its exit code. */
function run([program, ...args], env = {}) {
  return ended(spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } }));
}

/** Runs a command to its end, prints all its output then, and returns its exit code. */
async function runPrintingAtEnd([program, ...args]) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => output.push(bytes));
  // A process that a test left behind keeps the pipes open.
  child.on("exit", () => {
    const left = setTimeout(() => {
      output.push(Buffer.from(`${args.join(" ")}: a process that it left behind still has its output open\n`));
      for (const stream of [child.stdout, child.stderr]) stream.destroy();
    }, LEFT_BEHIND_MS);
    child.on("close", () => clearTimeout(left));
  });
  const code = await ended(child);
  process.stdout.write(Buffer.concat(output));
  return code;
}

/** The exit code of an interrupted run; 0 if it was not interrupted. After an interruption no further step starts. */
let interrupted = 0;

/** Waits for the end of a child and returns its exit code. Forwards signals of this process to the child. */
function ended(child) {
  return new Promise((resolve, reject) => {
    const forward = (signal) => {
      interrupted = 128 + constants.signals[signal];
      child.kill(signal);
    };
    // A terminal sends SIGINT to the child as well, so this process does not forward it.
    const outlive = (signal) => {
      interrupted = 128 + constants.signals[signal];
    };
    process.on("SIGTERM", forward).on("SIGHUP", forward).on("SIGINT", outlive);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("SIGTERM", forward).off("SIGHUP", forward).off("SIGINT", outlive);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

async function main([name, ...args]) {
  const job = JOBS[name];
  if (!job) throw new CannotSetUp(`there is no job called ${name}: ${Object.keys(JOBS).join(", ")}`, 2);
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));

  const release = holdLock(".build/setup.lock");
  try {
    if (TEST_NEEDS.every((need) => job.needs.includes(need))) await setUpNullDevice();
    await setUpSystem(job.needs);
    await setUpNpmPackages();
    if (job.binary) {
      const code = await run([BUN, "build.ts"]);
      if (code !== 0) return code;
    }
  } finally {
    release();
  }

  // Run all steps, so that one run shows all failures. The result is the first failure.
  let result = 0;
  for (const step of job.steps(args)) {
    const code = interrupted || (await step());
    result ||= code;
  }
  return result;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CannotSetUp)) throw error;
  say(error.message);
  process.exitCode = error.exitCode;
}
