import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PrivateApt } from "./apt.ts";
import { ARCHES, type Arch, hostArch } from "./arch.ts";
import { output } from "./command.ts";
import { readIfThere, writeFileAtomically } from "./files.ts";

/**
 * The shared libraries in the binary: Debian packages by version and SHA-256, so that each build embeds the same bytes.
 *
 * The versions were chosen because they need an old glibc: libelf 0.183 needs 2.28, libelf 0.188 of Debian 12 needs
 * 2.33. To change a version: write it here with the digests from `apt-get download` and `sha256sum`.
 */
const LIBRARIES = [
  {
    name: "zlib",
    soname: "libz.so.1",
    package: "zlib1g",
    suite: "bookworm",
    version: "1:1.2.13.dfsg-1",
    sha256: {
      x64: "d7dd1d1411fedf27f5e27650a6eff20ef294077b568f4c8c5e51466dc7c08ce4",
      arm64: "52b8b8a145bbe1956bba82034f77022cbef0c3d0885c9e32d9817a7932fe1913",
    },
  },
  {
    name: "libelf",
    soname: "libelf.so.1",
    package: "libelf1",
    suite: "bullseye",
    version: "0.183-1",
    sha256: {
      x64: "e1ad132d502b255023c222d0cae1d02ca941f6b68fd0e9b908c6004cc326592c",
      arm64: "12e14110cd66b3bf0564e3b184985b3e91c9cd76e909531a7f7bd2cb9b35a1f3",
    },
  },
  {
    name: "libbpf",
    soname: "libbpf.so.1",
    package: "libbpf1",
    suite: "bookworm",
    version: "1:1.1.2-0+deb12u1",
    sha256: {
      x64: "5e7505ef77ebc84ad0203411e4afdeb8a98f40fb7f78f013aa4dd8710e49f8ed",
      arm64: "c9929839798e7d8e66b212f345ecf1653ba7f1a9e1b753d0eb67bd521b0b5511",
    },
  },
] as const;

type Pin = (typeof LIBRARIES)[number];

/** Folder of downloaded packages, relative to the root of the repository. Later builds reuse them. */
const PACKAGES = ".build/packages";

/** A library to embed. */
export interface Library {
  /** Name of the project. */
  name: string;
  soname: string;
  /** The distribution's package and its version; the version is null if no package manager knows it. */
  package: string;
  version: string | null;
  bytes: Uint8Array;
}

/** The libraries to embed. */
export interface Libraries {
  all: Library[];
  /** Why these are the libraries of this system instead of the pinned ones; null for the pinned ones. */
  whyOfSystem: string | null;
}

/**
 * The pinned libraries: from `.build/packages`, or else from the Debian mirror that this system uses. If they are not
 * available, the libraries of this system, for its own architecture only.
 *
 * @throws Error if there are none for `arch`
 */
export async function getLibraries(root: string, arch: Arch): Promise<Libraries> {
  try {
    return { all: await pinnedLibraries(root, arch), whyOfSystem: null };
  } catch (error) {
    if (arch !== process.arch) throw error;
    return { all: systemLibraries(arch), whyOfSystem: (error as Error).message };
  }
}

async function pinnedLibraries(root: string, arch: Arch): Promise<Library[]> {
  const missing = LIBRARIES.filter((pin) => cachedPackage(root, pin, arch) === undefined);
  if (missing.length > 0) await download(root, missing, arch);
  return LIBRARIES.map((pin) => {
    const path = cachedPackage(root, pin, arch);
    if (path === undefined) throw new Error(`${packageFile(pin, arch)} is not there`);
    const { name, soname, package: package_, version } = pin;
    return { name, soname, package: package_, version, bytes: unpack(path, soname) };
  });
}

function packageFile({ package: name, version }: Pin, arch: Arch): string {
  return `${name}_${version.replace(":", "%3a")}_${ARCHES[arch].debian}.deb`;
}

/** Path of the package in the cache, if its digest is the pinned one. */
function cachedPackage(root: string, pin: Pin, arch: Arch): string | undefined {
  const path = join(root, PACKAGES, packageFile(pin, arch));
  const bytes = readIfThere(path);
  return bytes && sha256(bytes) === pin.sha256[arch] ? path : undefined;
}

async function download(root: string, pins: readonly Pin[], arch: Arch): Promise<void> {
  console.error(`getting ${pins.map(({ package: name, version }) => `${name} ${version}`).join(", ")} for ${arch}`);
  const scratch = mkdtempSync(join(tmpdir(), "linnix-packages-"));
  try {
    const apt = await PrivateApt.open(scratch, [...new Set(pins.map(({ suite }) => suite))], ARCHES[arch].debian);
    for (const pin of pins) {
      const directory = join(scratch, pin.package);
      mkdirSync(directory);
      await apt.download(`${pin.package}=${pin.version}`, directory);
      const bytes = readFileSync(join(directory, readdirSync(directory)[0] ?? ""));
      if (sha256(bytes) !== pin.sha256[arch]) {
        throw new Error(`${packageFile(pin, arch)} from the mirror has another SHA-256 than scripts/libraries.ts`);
      }
      writeFileAtomically(join(root, PACKAGES, packageFile(pin, arch)), bytes);
    }
  } catch (error) {
    const names = pins.map((pin) => packageFile(pin, arch)).join(", ");
    throw new Error(
      `${(error as Error).message}; to build without the mirror, put ${names} into ${PACKAGES}/ (an archive of old ` +
        "Debian packages has them), or change the versions in scripts/libraries.ts",
      { cause: error },
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The library with that SONAME in a Debian package. */
function unpack(deb: string, soname: string): Uint8Array {
  const directory = mkdtempSync(join(tmpdir(), "linnix-package-"));
  try {
    output("dpkg-deb", ["-x", deb, directory]);
    const places = ["lib", "usr/lib"].map((folder) => new Bun.Glob(`${folder}/*/${soname}`));
    // The name is a symbolic link to the file.
    const [path] = places.flatMap((place) => [...place.scanSync({ cwd: directory, onlyFiles: false })]);
    if (path === undefined) throw new Error(`${deb} has no ${soname}`);
    return readFileSync(join(directory, path));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Paths of this system's libraries, links resolved, in the order of `LIBRARIES`. */
export function libraryPaths(arch: Arch = hostArch()): string[] {
  const entries = output("ldconfig", ["-p"])
    .split("\n")
    .map((line) => /^\s*(\S+) \(([^)]*)\) => (\S+)$/.exec(line));
  return LIBRARIES.map(({ soname }) => {
    const isWanted = (entry: RegExpExecArray | null) =>
      entry?.[1] === soname && entry[2]?.split(/,\s*/).includes(ARCHES[arch].ldconfig);
    const path = entries.find(isWanted)?.[3];
    if (!path) throw new Error(`ldconfig knows no ${soname} for ${arch}`);
    return realpathSync(path);
  });
}

function systemLibraries(arch: Arch): Library[] {
  const paths = libraryPaths(arch);
  return LIBRARIES.map(({ name, soname, package: package_ }, index) => {
    const bytes = readFileSync(paths[index] ?? "");
    return { name, soname, package: package_, version: packageVersion(package_), bytes };
  });
}

/** Version of an installed package; null if dpkg does not report it. */
function packageVersion(name: string): string | null {
  try {
    // Several architectures of one package can be installed, all of the same version.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's format, not JavaScript's
    return output("dpkg-query", ["-W", "-f", "${Version}\n", name]).split("\n")[0] || null;
  } catch {
    return null;
  }
}

/** Writes the libraries into `directory`, each under its SONAME. */
export function writeLibraries(directory: string, libraries: readonly Library[]): void {
  for (const { soname, bytes } of libraries) writeFileAtomically(join(directory, soname), bytes);
}

/** Digest of the libraries' bytes. */
export function librariesDigest(libraries: readonly Library[]): string {
  return sha256(Buffer.concat(libraries.map(({ bytes }) => bytes)));
}

/** Newest minor version of glibc 2 whose symbols these libraries need, by the version names that they contain. */
export function glibcMinor(libraries: readonly { bytes: Uint8Array }[]): number {
  const versions = libraries.flatMap(({ bytes }) => [
    ...Buffer.from(bytes)
      .toString("latin1")
      .matchAll(/\bGLIBC_2\.(\d+)/g),
  ]);
  return Math.max(0, ...versions.map(([, minor]) => Number(minor)));
}
