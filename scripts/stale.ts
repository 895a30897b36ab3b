import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SourceState } from "./build-info.ts";
import { LAYOUT_FILE } from "./objects.ts";

/** What goes into the binary, relative to the root of the repository. */
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

/** A program as it is installed: another one has another size or time. */
function identity(path: string): string {
  const { size, mtimeMs } = statSync(realpathSync(path));
  return `${path} ${size} ${mtimeMs}`;
}

/**
 * A digest of all that the binary is made from: sources, commit, compilers, libraries.
 * The generated layout is left out: it follows from the rest, and is written by the build itself.
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
