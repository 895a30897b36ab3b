import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fixture } from "../kernel/support/fixture.ts";
import { programPath, succeeds } from "../kernel/support/needs.ts";
import { type GuestFile, hostFile } from "./initramfs.ts";
import { foreignBusybox } from "./kernels.ts";
import { IS_FOREIGN, MACHINE, whyNoMachine } from "./machine.ts";

const HERE = join(import.meta.dir, "guest");

/** Why no guest can be booted here; null if it can. Root is not needed. */
export function whyNoGuest(): string | null {
  if (process.platform !== "linux" || (!IS_FOREIGN && process.arch !== "x64")) return "the guests are x86-64";
  if (!succeeds("test", "-x", MACHINE.binary)) {
    return IS_FOREIGN ? `needs ${MACHINE.binary}: npm run test:arm64` : "needs dist/linnix: npm run build";
  }
  const why = whyNoMachine();
  if (why !== null) return why;
  for (const program of ["ldd", "dpkg-deb", "tar"]) {
    if (programPath(program) === null) return `needs ${program}`;
  }
  if (IS_FOREIGN) return null;
  if (programPath("busybox") === null) return "needs busybox";
  // The guest's first process runs before there is a loader's cache, in a root with little else.
  if (neededLibraries(busybox()).length > 0) return "needs a static busybox";
  return null;
}

/** Files of the guest's root: busybox, linnix, the C library that linnix is linked to, the fixture. */
export async function guestFiles(fixture: Fixture): Promise<GuestFile[]> {
  return [
    { path: "/init", bytes: readFileSync(join(HERE, "init")), executable: true },
    ...["scenarios", "scenarios-of-cgroup", "scenarios-of-cgroup-v1", "scenarios-of-page-faults"].map((name) => ({
      path: `/guest/${name}`,
      bytes: readFileSync(join(HERE, name)),
    })),
    hostFile(fixture.program, "/guest/process-fixture"),
    hostFile(fixture.leaf, "/guest/leaf"),
    hostFile(IS_FOREIGN ? await foreignBusybox() : busybox(), "/bin/busybox"),
    hostFile(MACHINE.binary, "/bin/linnix"),
    ...libraryFiles(),
  ];
}

function busybox(): string {
  return programPath("busybox") ?? "/bin/busybox";
}

/** The loader and the C library of linnix, at the paths that the loader searches. */
function libraryFiles(): GuestFile[] {
  const { libraries, binary } = MACHINE;
  if (libraries === null) return neededLibraries(binary).map((path) => hostFile(path));
  return readdirSync(libraries)
    .filter((name) => /^(ld-linux-.*|lib(c|m|dl|pthread|rt))\.so\.\d+$/.test(name))
    .map((name) => hostFile(join(libraries, name), `/lib/${name}`));
}

/** The loader and the libraries of a program, by ldd(1); empty for a static program. */
function neededLibraries(program: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", program], { stdin: "ignore", stderr: "ignore" });
  return [...stdout.toString().matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}
