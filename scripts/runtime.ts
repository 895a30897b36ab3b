import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ARCHES, type Arch } from "./arch.ts";
import { output } from "./command.ts";

/**
 * Path of Bun's executable for an architecture, in the version that runs this build. `node_modules` contains only the
 * executable for this machine. The other one is downloaded once from the npm registry, and checked against the digest
 * in package-lock.json.
 */
export function bunExecutable(root: string, arch: Arch): string {
  if (arch === process.arch) return process.execPath;
  const name = `@oven/bun-linux-${ARCHES[arch].bun}`;
  const executable = join(root, ".build/bun", `${ARCHES[arch].bun}-${Bun.version}`, "bun");
  if (existsSync(executable)) return executable;

  console.error(`getting ${name} ${Bun.version}`);
  mkdirSync(dirname(dirname(executable)), { recursive: true });
  const scratch = mkdtempSync(join(dirname(dirname(executable)), "download-"));
  try {
    npm("pack", "--silent", "--pack-destination", scratch, `${name}@${Bun.version}`);
    const archive = join(scratch, readdirSync(scratch).find((file) => file.endsWith(".tgz")) ?? "");
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (digest !== lockedIntegrity(root, name)) throw new Error(`${name} is not the one that package-lock.json names`);
    output("tar", ["-x", "-f", archive, "-C", scratch, "--no-same-owner", "package/bin/bun"]);
    chmodSync(join(scratch, "package/bin/bun"), 0o755);
    rmSync(dirname(executable), { recursive: true, force: true });
    renameSync(join(scratch, "package/bin"), dirname(executable));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return executable;
}

function lockedIntegrity(root: string, name: string): string | undefined {
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  const entry = lock.packages[`node_modules/${name}`];
  if (entry?.version !== Bun.version) throw new Error(`package-lock.json has no ${name} ${Bun.version}`);
  return entry.integrity;
}

/** Runs npm: under `npm run`, the npm that was called. */
function npm(...args: string[]): void {
  const script = process.env.npm_execpath;
  if (script) output("node", [script, ...args]);
  else output("npm", args);
}
