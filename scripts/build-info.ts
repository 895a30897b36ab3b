import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "./command.ts";
import { writeFileAtomically } from "./files.ts";
import { glibcMinor, type Library } from "./libraries.ts";

/** The npm packages that are bundled into the binary. */
export const BUNDLED_PACKAGES = ["citty", "consola", "@iarna/toml", "zod"] as const;

/** The commit of the sources, if git reports it. */
export interface SourceState {
  /** Full hash; null if this is not a git checkout or git is not installed. */
  commit: string | null;
  /** Whether the inputs of the binary differ from that commit. */
  modified: boolean;
}

/** @param inputs the paths, relative to `root`, whose changes count */
export function sourceState(root: string, inputs: readonly string[]): SourceState {
  // In the checkout of another user, git refuses to run as root unless `safe.directory` names the folder.
  const git = (...args: string[]) => output("git", ["-c", `safe.directory=${root}`, "-C", root, ...args]).trim();
  try {
    // An unpacked archive inside another repository does not belong to that repository.
    if (git("rev-parse", "--show-prefix") !== "") return { commit: null, modified: false };
    const modified = git("status", "--porcelain", "--untracked-files=all", "--", ...inputs) !== "";
    return { commit: git("rev-parse", "HEAD"), modified };
  } catch {
    return { commit: null, modified: false };
  }
}

function packageVersions(root: string): Record<string, string> {
  const version = (name: string) =>
    (JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as { version: string }).version;
  return Object.fromEntries(BUNDLED_PACKAGES.map((name) => [name, version(name)]));
}

/**
 * Writes `build-info.json`: the commit, the exact versions of the embedded packages, and the minor version of glibc
 * that the binary needs.
 */
export function writeBuildInfo(
  root: string,
  directory: string,
  state: SourceState,
  libraries: readonly Library[],
): void {
  const libraryVersions = Object.fromEntries(libraries.map((library) => [library.package, library.version]));
  const info = {
    ...state,
    glibcMinor: glibcMinor(libraries),
    versions: { ...libraryVersions, ...packageVersions(root) },
  };
  writeFileAtomically(join(directory, "build-info.json"), `${JSON.stringify(info, null, 2)}\n`);
}

/** Writes `licences.txt`: linnix's own licence, the notices, and all files of `licenses/`. */
export function writeLicences(root: string, directory: string): void {
  const texts = readdirSync(join(root, "licenses"))
    .sort()
    .map((name) => `licenses/${name}`);
  const parts = ["LICENSE", "THIRD-PARTY-NOTICES", ...texts].map((path) => {
    return `${"=".repeat(80)}\n${path}\n${"=".repeat(80)}\n\n${readFileSync(join(root, path), "utf8").trim()}\n`;
  });
  writeFileAtomically(join(directory, "licences.txt"), parts.join("\n"));
}
