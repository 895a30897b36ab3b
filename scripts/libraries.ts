import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { output } from "./command.ts";
import { writeFileAtomically } from "./files.ts";

/** The shared libraries that linnix carries, and Debian's package of each. */
const LIBRARIES = [
  { soname: "libz.so.1", package: "zlib1g" },
  { soname: "libelf.so.1", package: "libelf1" },
  { soname: "libbpf.so.1", package: "libbpf1" },
] as const;

/** How `ldconfig -p` marks a library of this machine's own architecture. */
const LDCONFIG_ARCH: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86-64", arm64: "AArch64" };

/** Where the system has the libraries, links resolved, in the order of {@link LIBRARIES}. */
export function libraryPaths(): string[] {
  const entries = output("ldconfig", ["-p"])
    .split("\n")
    .map((line) => /^\s*(\S+) \(([^)]*)\) => (\S+)$/.exec(line));
  return LIBRARIES.map(({ soname }) => {
    const arch = LDCONFIG_ARCH[process.arch] ?? "?";
    const path = entries.find((entry) => entry?.[1] === soname && entry[2]?.split(/,\s*/).includes(arch))?.[3];
    if (!path) throw new Error(`ldconfig knows no ${soname} for ${process.arch}`);
    return realpathSync(path);
  });
}

/** Version of an installed package, where dpkg is what installed it. */
function packageVersion(name: string): string | null {
  try {
    // Several architectures of one package can be installed, all of the same version.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's format, not JavaScript's
    return output("dpkg-query", ["-W", "-f", "${Version}\n", name]).split("\n")[0] || null;
  } catch {
    return null;
  }
}

/** A library that was copied, and where it is from. */
export interface CopiedLibrary {
  soname: string;
  /** The distribution's package, and its version there. */
  package: string;
  version: string | null;
}

/** Copies the system's libraries into `.build/lib/`, each under its SONAME. */
export function copyLibraries(root: string): CopiedLibrary[] {
  const paths = libraryPaths();
  return LIBRARIES.map(({ soname, package: name }, index) => {
    writeFileAtomically(join(root, ".build/lib", soname), readFileSync(paths[index] ?? ""));
    return { soname, package: name, version: packageVersion(name) };
  });
}
