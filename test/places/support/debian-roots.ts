/** Root directories of Debian versions, cached between runs. */
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KEYRING, systemMirror } from "../../../scripts/apt.ts";
import { BINARY, programPath, reasonOf, whyNoBtf } from "../../kernel/support/needs.ts";

/** The cache directory. Remove it to get newer roots. */
const ROOTS = join(import.meta.dir, "../../../.build/roots");

export interface DebianRoot {
  suite: string;
  release: string;
  glibc: string;
}

export const DEBIAN_ROOTS: DebianRoot[] = [
  { suite: "bullseye", release: "Debian 11", glibc: "2.31" },
  { suite: "bookworm", release: "Debian 12", glibc: "2.36" },
  { suite: "trixie", release: "Debian 13", glibc: "2.41" },
];

/** Why such a root cannot be made; null if it can be made or exists. */
export function whyNoDebianRoot({ suite }: DebianRoot): string | null {
  return reasonOf(
    whyNoBtf(),
    !existsSync(join(ROOTS, suite)) && programPath("debootstrap") === null && "needs debootstrap",
    !existsSync(join(ROOTS, suite)) && !existsSync(KEYRING) && `needs ${KEYRING}`,
  );
}

/** Makes a root by debootstrap(8) atomically, with the binary in it. Returns its path. */
export async function debianRoot({ suite }: DebianRoot): Promise<string> {
  const root = join(ROOTS, suite);
  if (!existsSync(root)) {
    mkdirSync(ROOTS, { recursive: true });
    const unfinished = `${root}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    const debootstrap = ["debootstrap", "--variant=minbase", `--keyring=${KEYRING}`, suite, unfinished];
    // Its mounts end with the namespace.
    const done = Bun.spawnSync(["unshare", "--mount", ...debootstrap, await systemMirror()], { stdin: null });
    if (done.exitCode !== 0) throw new Error(`debootstrap ${suite}: ${done.stdout.toString().slice(-2000)}`);
    renameSync(unfinished, root);
  }
  copyFileSync(BINARY, join(root, "linnix"));
  return root;
}
