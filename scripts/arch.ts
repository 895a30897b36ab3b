/** The architectures that linnix is built for, by their names in Node.js, and their names elsewhere. */
export const ARCHES = {
  x64: { debian: "amd64", ldconfig: "x86-64", bpf: "x86", bun: "x64", elfMachine: 62 },
  arm64: { debian: "arm64", ldconfig: "AArch64", bpf: "arm64", bun: "aarch64", elfMachine: 183 },
} as const;

export type Arch = keyof typeof ARCHES;

/** The architecture of this machine. @throws Error if linnix is not built for it */
export function hostArch(): Arch {
  if (process.arch in ARCHES) return process.arch as Arch;
  throw new Error(`linnix is built for ${Object.keys(ARCHES).join(" and ")}, not for ${process.arch}`);
}
