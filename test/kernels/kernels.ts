import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PrivateApt } from "../../scripts/apt.ts";
import { output } from "../../scripts/command.ts";
import { DEBIAN_ARCH, IS_FOREIGN, MACHINE } from "./machine.ts";

/** Directory where kernels are cached between runs. */
export const KERNELS_DIRECTORY = join(
  import.meta.dir,
  "../../.build",
  IS_FOREIGN ? `kernels-${MACHINE.arch}` : "kernels",
);

/** A series of kernels, of which one kernel is booted. */
export interface KernelSeries {
  /** The name of the series, and of its directory in the cache. */
  name: string;
  /** The suites of the distribution that have the series. */
  suites: readonly string[];
  includes(major: number, minor: number): boolean;
}

const only = (wanted: string) => (major: number, minor: number) => `${major}.${minor}` === wanted;

/** The oldest supported kernel, two widely used kernels, and the newest kernel. */
export const SERIES = [
  { name: "5.10", suites: ["bullseye"], includes: only("5.10") },
  { name: "6.1", suites: ["bookworm"], includes: only("6.1") },
  { name: "6.12", suites: ["trixie", "bookworm-backports"], includes: only("6.12") },
  // Since Linux 6.16 sched_process_exit reports which thread was the last.
  {
    name: "newest",
    suites: ["trixie-backports"],
    includes: (major, minor) => major > 6 || (major === 6 && minor >= 16),
  },
] as const satisfies readonly KernelSeries[];

/** A kernel to boot. */
export interface Kernel {
  series: string;
  /** The release as in `uname -r`. */
  release: string;
  /** Path of the bzImage. */
  path: string;
}

/** Kernels by series, and for each missing series the reason. */
export interface Kernels {
  found: Map<string, Kernel>;
  missing: Map<string, string>;
}

/** Most packages of a series to try, newest first: an index may list packages that the pool no longer has. */
const MAX_CANDIDATES = 4;

/** Small images for virtual machines; since 6.19 `linux-image-…` is empty and `linux-binary-…` has the kernel. */
const PACKAGE = new RegExp(`^linux-(image|binary)-((\\d+)\\.(\\d+)\\S*-cloud-${DEBIAN_ARCH})(-unsigned)?$`);

/** Possible paths of the kernel in a package. */
const PLACES = ["boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"];

/** The kernels of `series`, from the cache or from the mirror that this system installs from. */
export async function getKernels(series: readonly KernelSeries[] = SERIES): Promise<Kernels> {
  const kernels: Kernels = { found: new Map(), missing: new Map() };
  for (const { name } of series) {
    const kernel = cached(name);
    if (kernel) kernels.found.set(name, kernel);
  }
  const wanted = series.filter(({ name }) => !kernels.found.has(name));
  if (wanted.length === 0) return kernels;
  mkdirSync(KERNELS_DIRECTORY, { recursive: true });
  const scratch = mkdtempSync(join(KERNELS_DIRECTORY, "download-"));
  try {
    const apt = await PrivateApt.open(scratch, [...new Set(wanted.flatMap(({ suites }) => suites))], DEBIAN_ARCH);
    for (const each of wanted) {
      try {
        kernels.found.set(each.name, await download(apt, each, scratch));
      } catch (error) {
        kernels.missing.set(each.name, (error as Error).message);
      }
    }
  } catch (error) {
    for (const { name } of wanted) kernels.missing.set(name, (error as Error).message);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return kernels;
}

function cached(series: string): Kernel | undefined {
  const directory = join(KERNELS_DIRECTORY, series);
  if (!existsSync(directory)) return undefined;
  const image = readdirSync(directory).find((name) => name.startsWith("vmlinuz-"));
  if (image === undefined) return undefined;
  return { series, release: image.slice("vmlinuz-".length), path: join(directory, image) };
}

async function download(apt: PrivateApt, series: KernelSeries, scratch: string): Promise<Kernel> {
  const candidates = (await apt.packageNames("linux-"))
    .flatMap((name) => {
      const [, kind = "", version = "", major, minor, unsigned] = PACKAGE.exec(name) ?? [];
      if (version === "" || unsigned !== undefined || !series.includes(Number(major), Number(minor))) return [];
      return [{ name, kind, version }];
    })
    // Sorts numerically; within one version `binary` comes before `image`.
    .sort((a, b) => b.version.localeCompare(a.version, "en", { numeric: true }) || a.kind.localeCompare(b.kind))
    .slice(0, MAX_CANDIDATES);
  if (candidates.length === 0) throw new Error(`the mirror has no cloud kernel ${series.name}`);
  let problem = "";
  for (const { name } of candidates) {
    const directory = mkdtempSync(join(scratch, "package-"));
    try {
      await apt.download(name, directory);
      const package_ = readdirSync(directory).find((file) => file.endsWith(".deb"));
      if (package_ === undefined) throw new Error(`apt-get downloaded nothing for ${name}`);
      return await unpack(series.name, join(directory, package_), directory);
    } catch (error) {
      problem = (error as Error).message;
    }
  }
  throw new Error(problem);
}

/** Extracts the kernel from its package into the cache, atomically. */
async function unpack(series: string, deb: string, directory: string): Promise<Kernel> {
  const contents = Bun.spawn(["dpkg-deb", "--fsys-tarfile", deb], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const tar = Bun.spawn(
    ["tar", "-x", "-C", directory, "--no-same-owner", "--wildcards", ...PLACES.map((place) => `./${place}`)],
    // Each package has only one of the paths, and tar complains about the other path.
    { stdin: contents.stdout, stdout: "ignore", stderr: "ignore" },
  );
  await Promise.all([contents.exited, tar.exited]);
  const [image] = PLACES.flatMap((place) => [...new Bun.Glob(place).scanSync({ cwd: directory })]);
  if (image === undefined) throw new Error(`${deb.slice(deb.lastIndexOf("/") + 1)} holds no kernel`);
  const release = image.startsWith("boot/") ? image.slice("boot/vmlinuz-".length) : (image.split("/")[3] ?? "");
  const place = join(KERNELS_DIRECTORY, series);
  const staged = join(directory, "cache");
  mkdirSync(staged);
  renameSync(join(directory, image), join(staged, `vmlinuz-${release}`));
  rmSync(place, { recursive: true, force: true });
  renameSync(staged, place);
  return { series, release, path: join(place, `vmlinuz-${release}`) };
}

/** A static busybox for a guest of another architecture, from the same mirror. */
export async function foreignBusybox(): Promise<string> {
  const path = join(KERNELS_DIRECTORY, "busybox");
  if (existsSync(path)) return path;
  mkdirSync(KERNELS_DIRECTORY, { recursive: true });
  const scratch = mkdtempSync(join(KERNELS_DIRECTORY, "download-"));
  try {
    const apt = await PrivateApt.open(scratch, ["bookworm"], DEBIAN_ARCH);
    const directory = mkdtempSync(join(scratch, "package-"));
    await apt.download("busybox-static", directory);
    output("dpkg-deb", ["-x", join(directory, readdirSync(directory)[0] ?? ""), directory]);
    renameSync(join(directory, "bin/busybox"), path);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return path;
}
