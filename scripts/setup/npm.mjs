import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { CannotSetUp, runQuietly, say, tail } from "./common.mjs";

const STAMP = "node_modules/.build/package-lock.sha256";
const BUN = "node_modules/.bin/bun";

/** Installs what package-lock.json names, unless it is there. */
export async function setUpNpmPackages() {
  const lock = readFileSync("package-lock.json");
  const digest = createHash("sha256").update(lock).digest("hex");
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === digest && existsSync(BUN)) return;

  if (!isInstalled(JSON.parse(lock.toString()))) {
    say("installing npm packages");
    await npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
  }
  // Of all install scripts this alone is wanted: it puts the executable of this platform in its place.
  if (!(await runQuietly(BUN, ["--version"])).ok) {
    must(await runQuietly(process.execPath, ["node_modules/bun/install.js"]), "bun's install script");
  }
  mkdirSync("node_modules/.build", { recursive: true });
  writeFileSync(STAMP, digest);
}

/** Whether every package of the lock file is there in that version; another platform's may be absent. */
function isInstalled(lock) {
  return Object.entries(lock.packages).every(([path, { version, optional }]) => {
    if (path === "") return true;
    if (!existsSync(`${path}/package.json`)) return optional === true;
    return JSON.parse(readFileSync(`${path}/package.json`, "utf8")).version === version;
  });
}

async function npm(...args) {
  // Under `npm run` this is the very npm that was called.
  const script = process.env.npm_execpath;
  const [program, before] = script ? [process.execPath, [script]] : ["npm", []];
  must(await runQuietly(program, [...before, ...args]), `npm ${args[0]}`);
}

function must({ ok, output }, what) {
  if (!ok) throw new CannotSetUp(`${what} failed:\n${tail(output)}`, 1);
}
