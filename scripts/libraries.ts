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

function find(cache: string, soname: string): string {
  for (const line of cache.split("\n")) {
    const entry = /^\s*(\S+) \(([^)]*)\) => (\S+)$/.exec(line);
    if (entry?.[1] === soname && entry[2]?.includes(LDCONFIG_ARCH[process.arch] ?? "?") && entry[3]) {
      return realpathSync(entry[3]);
    }
  }
  throw new Error(`ldconfig knows no ${soname} for ${process.arch}`);
}

/** Version of an installed package, where dpkg is what installed it. */
function packageVersion(name: string): string | null {
  try {
    // Several architectures of one package can be installed, all of the same version.
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
  const cache = output("ldconfig", ["-p"]);
  return LIBRARIES.map(({ soname, package: name }) => {
    writeFileAtomically(join(root, ".build/lib", soname), readFileSync(find(cache, soname)));
    return { soname, package: name, version: packageVersion(name) };
  });
}
