import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { programPath } from "../command.ts";

/** What an archive holds besides the binary, relative to the root of the repository. */
const CONTENTS = ["LICENSE", "THIRD-PARTY-NOTICES", "licenses", "README.md", "SECURITY.md", "CHANGELOG.md", "docs"];

/** Compresses a file to `FILE.gz`; the result depends on its bytes alone. */
export async function gzip(path: string): Promise<void> {
  await pipe([programPath("gzip"), "-9", "-n", "-c", path], null, `${path}.gz`);
}

/**
 * Packs the binary, its licences, documents, unit and sample configuration as `NAME.tar.xz`: one folder of that name.
 * Owner, times and order are fixed, so that the result depends on the files alone.
 */
export async function pack(root: string, binary: string, archive: string, time: Date): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "linnix-archive-"));
  try {
    const name = basename(archive, ".tar.xz");
    const folder = join(scratch, name);
    mkdirSync(folder);
    cpSync(binary, join(folder, "linnix"));
    for (const path of CONTENTS) cpSync(join(root, path), join(folder, path), { recursive: true });
    const fixed = ["--sort=name", `--mtime=@${time.getTime() / 1000}`, "--owner=0", "--group=0", "--numeric-owner"];
    const modes = ["--format=ustar", "--mode=u=rwX,go=rX"];
    // One thread: with more, the result depends on their number.
    const compress = [programPath("xz"), "-9", "-T1", "-c"];
    await pipe([programPath("tar"), "-c", ...fixed, ...modes, "-C", scratch, name], compress, archive);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs a program, or two with a pipe between them, and writes what comes out into a file. */
async function pipe(first: string[], second: string[] | null, output: string): Promise<void> {
  mkdirSync(dirname(output), { recursive: true });
  const env = { ...process.env, LC_ALL: "C", GZIP: "", XZ_OPT: "", XZ_DEFAULTS: "", TAR_OPTIONS: "" };
  const options = { stdin: "ignore", stderr: "inherit", env } as const;
  const children: Bun.Subprocess[] = [];
  if (second === null) children.push(Bun.spawn(first, { ...options, stdout: Bun.file(output) }));
  else {
    const source = Bun.spawn(first, { ...options, stdout: "pipe" });
    children.push(source, Bun.spawn(second, { ...options, stdin: source.stdout, stdout: Bun.file(output) }));
  }
  for (const child of children) {
    if ((await child.exited) !== 0) throw new Error(`${[first, second ?? []].flat().join(" ")} failed`);
  }
}
