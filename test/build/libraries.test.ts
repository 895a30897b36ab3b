import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ARCHES, hostArch } from "../../scripts/arch.ts";
import { elfMachine } from "../../scripts/elf.ts";
import { getLibraries, glibcMinor } from "../../scripts/libraries.ts";
import { programPath, reasonOf, titled } from "../kernel/support/needs.ts";

const ROOT = join(import.meta.dir, "../..");
const ELF_VERSION = "libelf1_0.183-1";

const noPackages = existsSync(join(ROOT, ".build/packages")) ? null : "the build had no Debian mirror";
describe.skipIf(noPackages !== null)(titled("the pinned libraries", noPackages), () => {
  test("come after the libraries that they need, match this architecture, and need at most glibc 2.28", async () => {
    const { all, whyOfSystem } = await getLibraries(ROOT, hostArch());
    expect(whyOfSystem).toBeNull();
    expect(all.map(({ name, soname }) => [name, soname])).toEqual([
      ["zlib", "libz.so.1"],
      ["libelf", "libelf.so.1"],
      ["libbpf", "libbpf.so.1"],
    ]);
    for (const { bytes, version } of all) {
      expect(elfMachine(bytes)).toBe(ARCHES[hostArch()].elfMachine);
      expect(version).not.toBeNull();
    }
    expect(glibcMinor(all)).toBeLessThanOrEqual(28);
  });
});

const reason = reasonOf(
  process.geteuid?.() !== 0 && "needs root",
  programPath("unshare") === null && "needs unshare",
  programPath("apt-get") === null && "needs apt-get",
);
describe.skipIf(reason !== null)(titled("without a mirror", reason), () => {
  const root = mkdtempSync(join(tmpdir(), "linnix-libraries-"));
  mkdirSync(join(root, ".build/packages"), { recursive: true });
  // A file with the name of the package and other content.
  writeFileSync(join(root, ".build/packages", `${ELF_VERSION}_${ARCHES[hostArch()].debian}.deb`), "not this");
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  /** Gets the libraries in a new network namespace, which has no network. */
  function get(arch: string) {
    const script = `
      const { getLibraries } = await import(${JSON.stringify(join(ROOT, "scripts/libraries.ts"))});
      try {
        const { all, whyOfSystem } = await getLibraries(${JSON.stringify(root)}, ${JSON.stringify(arch)});
        console.log(JSON.stringify({ sonames: all.map(({ soname }) => soname), why: whyOfSystem }));
      } catch (error) {
        console.log(JSON.stringify({ thrown: error.message }));
      }`;
    const done = Bun.spawnSync(["unshare", "--net", process.execPath, "-e", script], { cwd: root, stdin: null });
    return JSON.parse(done.stdout.toString());
  }

  test("the system's libraries are used, and the reason names the packages and where to put them", () => {
    const { sonames, why } = get(hostArch());
    expect(sonames).toEqual(["libz.so.1", "libelf.so.1", "libbpf.so.1"]);
    expect(why).toContain(`${ELF_VERSION}_${ARCHES[hostArch()].debian}.deb`);
    expect(why).toContain("into .build/packages/");
    expect(why).not.toMatch(/https?:/);
  }, 120_000);

  test("getting the libraries of another architecture fails", () => {
    const other = hostArch() === "x64" ? "arm64" : "x64";
    expect(get(other).thrown).toContain(`${ELF_VERSION}_${ARCHES[other].debian}.deb`);
  }, 120_000);
});
