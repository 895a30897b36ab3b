// The one entry of the npm scripts: gets what is missing on this machine, builds what is stale, then does the job. Needs
// nothing but Node.js (18 or later) and npm.
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { CannotSetUp, holdLock, say } from "./setup/common.mjs";
import { setUpNpmPackages } from "./setup/npm.mjs";
import { ARM64_NEEDS, BUILD_NEEDS, RELEASE_NEEDS, ROOTS_NEEDS, setUpSystem, TEST_NEEDS } from "./setup/system.mjs";

/** What `npm start` runs of dist/linnix; `npm start -- …` adds to it. */
const START = ["overhead-test"];

/** A kernel test waits for real processes, on a machine that may be busy. */
const TEST_TIMEOUT_MS = 120_000;

/** Named so that `bun test` does not find them by itself. */
const RELEASE_TESTS = ["./test/release/release.slow.ts", "./test/release/roots.slow.ts"];

const BUN = "node_modules/.bin/bun";
const BINARY = "dist/linnix";

/** Each job: what it needs of the system, whether it needs the binary, and the commands, one after the other. */
const JOBS = {
  start: { needs: BUILD_NEEDS, binary: true, commands: (args) => [[BINARY, ...START, ...args]] },
  build: { needs: BUILD_NEEDS, binary: false, commands: (args) => [[BUN, "build.ts", ...args]] },
  test: { needs: [...BUILD_NEEDS, ...TEST_NEEDS], binary: true, commands: (args) => [testCommand(args)] },
  // All that the tests need, so that several runs of them can go side by side.
  prepare: { needs: [...BUILD_NEEDS, ...TEST_NEEDS], binary: true, commands: () => [] },
  // Needs no root and nothing but the build: what a change is tried with while it is written.
  "test:unit": { needs: BUILD_NEEDS, binary: true, commands: () => [testCommand(unitTests())] },
  "test:kernel": {
    needs: [...BUILD_NEEDS, ...TEST_NEEDS],
    binary: true,
    commands: (args) => [testCommand(args.length > 0 ? args : ["./test/kernel/"])],
  },
  "test:kernels": {
    needs: [...BUILD_NEEDS, ...TEST_NEEDS],
    binary: true,
    commands: (args) => [testCommand(args.length > 0 ? args : ["./test/kernels/"])],
  },
  // What takes minutes and is no part of `npm test`: kernels for arm64, other userlands, whole releases.
  "test:arm64": {
    needs: [...BUILD_NEEDS, ...TEST_NEEDS, ...ARM64_NEEDS],
    binary: true,
    env: { LINNIX_TEST_ARCH: "arm64" },
    commands: () => [[BUN, "build.ts", "--target", "linux-arm64"], testCommand(["./test/kernels/kernels.test.ts"])],
  },
  "test:release": {
    needs: [...BUILD_NEEDS, ...TEST_NEEDS, ...RELEASE_NEEDS, ...ROOTS_NEEDS],
    binary: true,
    commands: (args) => [testCommand(args.length > 0 ? args : RELEASE_TESTS)],
  },
  release: {
    needs: [...BUILD_NEEDS, ...RELEASE_NEEDS],
    binary: false,
    commands: (args) => [[BUN, "scripts/release.ts", ...args]],
  },
  check: {
    needs: BUILD_NEEDS,
    binary: false,
    commands: () => [
      ["node_modules/.bin/tsc", "--noEmit", "-p", "."],
      ["node_modules/.bin/biome", "check", "--error-on-warnings", "."],
      [BUN, "build.ts", "--check-layout"],
      [BUN, "scripts/house.ts"],
    ],
  },
};

/** Folders whose tests attach probes here, or boot other kernels. */
const KERNEL_TESTS = ["kernel", "kernels"];

/** Every folder and file of tests that needs no kernel of its own. */
function unitTests() {
  return readdirSync("test", { withFileTypes: true })
    .filter((entry) => (entry.isDirectory() ? !KERNEL_TESTS.includes(entry.name) : entry.name.endsWith(".test.ts")))
    .map((entry) => `./test/${entry.name}${entry.isDirectory() ? "/" : ""}`);
}

function testCommand(args) {
  // A file with the counts, for programs that want them; what people see stays as it is.
  const report = process.env.LINNIX_TEST_REPORT;
  const reporter = report ? ["--reporter=junit", `--reporter-outfile=${report}`] : [];
  return [BUN, "test", `--timeout=${TEST_TIMEOUT_MS}`, ...reporter, ...(args.length > 0 ? args : ["./test"])];
}

/** Runs a command to its end, with this process's own input and output; gives its exit code. */
function run([program, ...args], env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: "inherit", env: { ...process.env, ...env } });
    const forward = (signal) => child.kill(signal);
    // A terminal sends SIGINT to the child as well: here it has only to be outlived.
    const outlive = () => {};
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
    await setUpSystem(job.needs);
    await setUpNpmPackages();
    if (job.binary) {
      const code = await run([BUN, "build.ts"]);
      if (code !== 0) return code;
    }
  } finally {
    release();
  }

  // All of them, so that one run shows everything that is wrong; the first failure is the result.
  let result = 0;
  for (const command of job.commands(args)) {
    const code = await run(command, job.env);
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
