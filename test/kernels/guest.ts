import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fixture } from "../kernel/support/fixture.ts";
import { BINARY, programPath, succeeds } from "../kernel/support/needs.ts";
import { type GuestFile, hostFile } from "./initramfs.ts";

const HERE = join(import.meta.dir, "guest");

/** Why no guest can be booted here; null where it can. Root is not needed. */
export function whyNoGuest(): string | null {
  if (process.platform !== "linux" || process.arch !== "x64") return "the guests are x86-64";
  if (!succeeds("test", "-x", BINARY)) return "needs dist/linnix: npm run build";
  for (const program of ["qemu-system-x86_64", "gcc", "busybox", "ldd", "dpkg-deb", "tar"]) {
    if (programPath(program) === null) return `needs ${program}`;
  }
  // The guest's first process runs before there is a loader's cache, in a root with little else.
  if (neededLibraries(busybox()).length > 0) return "needs a static busybox";
  return null;
}

/** What the guest's root holds: busybox, linnix, the C library that linnix is linked to, the fixture. */
export function guestFiles(fixture: Fixture): GuestFile[] {
  return [
    { path: "/init", bytes: readFileSync(join(HERE, "init")), executable: true },
    ...["scenarios", "scenarios-of-cgroup", "scenarios-of-cgroup-v1", "scenarios-of-page-faults"].map((name) => ({
      path: `/guest/${name}`,
      bytes: readFileSync(join(HERE, name)),
    })),
    hostFile(fixture.program, "/guest/process-fixture"),
    hostFile(fixture.leaf, "/guest/leaf"),
    hostFile(busybox(), "/bin/busybox"),
    hostFile(BINARY, "/bin/linnix"),
    ...neededLibraries(BINARY).map((path) => hostFile(path)),
  ];
}

function busybox(): string {
  return programPath("busybox") ?? "/bin/busybox";
}

/** The loader and the libraries of a program, as ldd(1) names them; none of a static one. */
function neededLibraries(program: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", program], { stdin: "ignore", stderr: "ignore" });
  return [...stdout.toString().matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}
