import { join } from "node:path";
import { ARCHES, type Arch, hostArch } from "../../scripts/arch.ts";
import { BINARY, programPath } from "../kernel/support/needs.ts";

const ROOT = join(import.meta.dir, "../..");

/** A kind of virtual machine to boot kernels on. */
export interface Machine {
  arch: Arch;
  /** The emulator and its arguments. */
  qemu: string;
  options: readonly string[];
  /** Terminals in the guest: the console, and the port for the results. */
  console: string;
  resultsPort: string;
  /** Emulator arguments for the second port. */
  port(results: string): string[];
  /** The compiler for the fixtures. */
  compiler: string;
  binary: string;
  /** Directory of the binary's loader and C library on this machine. */
  libraries: string | null;
  /** Series of kernels to boot; null for all. */
  series: readonly string[] | null;
}

/**
 * A machine of two CPUs without KVM, the same everywhere. Without `-cx16` qemu 7.2
 * sometimes crashes Linux 6.12 early.
 */
const X64: Machine = {
  arch: "x64",
  qemu: "qemu-system-x86_64",
  options: ["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max,-cx16"],
  console: "ttyS0",
  resultsPort: "ttyS1",
  port: (results) => ["-serial", `file:${results}`],
  compiler: "gcc",
  binary: BINARY,
  libraries: null,
  series: null,
};

/** Boots the oldest and the newest kernel, on a CPU of many small servers. */
const ARM64: Machine = {
  arch: "arm64",
  qemu: "qemu-system-aarch64",
  options: ["-M", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a72"],
  console: "ttyAMA0",
  resultsPort: "ttyS0",
  port: (results) => ["-chardev", `file,id=results,path=${results}`, "-device", "pci-serial,chardev=results"],
  compiler: "aarch64-linux-gnu-gcc",
  binary: join(ROOT, "dist/linux-arm64/linnix"),
  libraries: "/usr/aarch64-linux-gnu/lib",
  series: ["6.1", "newest"],
};

const { LINNIX_TEST_ARCH, LINNIX_TEST_SERIES } = process.env;
const MACHINE_OF_ARCH = (LINNIX_TEST_ARCH ?? hostArch()) === "arm64" ? ARM64 : X64;

/**
 * The machine that this run of the tests boots: that of `LINNIX_TEST_ARCH`, which `npm run test:arm64` sets, or else of
 * this machine's architecture. `LINNIX_TEST_SERIES=6.1,newest` boots only these kernels.
 */
export const MACHINE: Machine = {
  ...MACHINE_OF_ARCH,
  series: LINNIX_TEST_SERIES?.split(",") ?? MACHINE_OF_ARCH.series,
};

export const DEBIAN_ARCH = ARCHES[MACHINE.arch].debian;

/** Whether the guest's architecture differs from this machine's. */
export const IS_FOREIGN = MACHINE.arch !== hostArch();

/** Why the machine cannot be emulated or its programs built here; null if they can. */
export function whyNoMachine(): string | null {
  for (const program of [MACHINE.qemu, MACHINE.compiler]) {
    if (programPath(program) === null) return `needs ${program}`;
  }
  return null;
}
