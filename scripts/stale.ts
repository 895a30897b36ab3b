import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SourceState } from "./build-info.ts";
import { LAYOUT_FILE } from "./objects.ts";

/** The inputs of the binary, relative to the root of the repository. */
export const INPUTS = [
  "bpf",
  "build.ts",
  "LICENSE",
  "licenses",
  "package-lock.json",
  "package.json",
  "scripts",
  "src",
  "THIRD-PARTY-NOTICES",
  "tsconfig.json",
] as const;

function filesBelow(root: string, path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path))
    .sort()
    .flatMap((name) => filesBelow(root, join(path, name)));
}

/** Identifies an installed program by path, size and time. */
function identity(path: string): string {
  const { size, mtimeMs } = statSync(realpathSync(path));
  return `${path} ${size} ${mtimeMs}`;
}

/**
 * A digest of all inputs of the binary: sources, commit, compilers, libraries. It excludes the generated layout,
 * because the build writes it from the other inputs.
 *
 * @param tools absolute paths of programs
 * @param libraries digest of the libraries that are embedded
 */
export function inputsDigest(root: string, state: SourceState, tools: readonly string[], libraries: string): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([state, Bun.version, process.arch, tools.map(identity), libraries]));
  for (const path of INPUTS.flatMap((input) => filesBelow(root, input))) {
    if (path === LAYOUT_FILE) continue;
    const bytes = readFileSync(join(root, path));
    hash.update(`\0${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}
