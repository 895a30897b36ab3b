import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BunPlugin } from "bun";
import type { Arch } from "./arch.ts";
import { hideSections } from "./elf.ts";

/** A target other than this machine. */
export interface Cross {
  arch: Arch;
  /** Path of Bun's executable for the target. */
  runtime: string;
  /** Folder with the embedded files for the target, like `.build/` for this machine. */
  parts: string;
}

/**
 * Compiles a program and everything that it embeds into one executable, and renames it into place.
 *
 * The executable reads no configuration from the directory in which it is started. It runs as root, and any user may
 * have put a `.env` or `bunfig.toml` there.
 *
 * @throws Error with the compiler's messages
 */
export async function compileBinary(entrypoint: string, outfile: string, cross?: Cross): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // The executable contains its own name. With a temporary directory instead of a temporary name, builds are identical.
  const directory = mkdtempSync(join(dirname(outfile), ".build-"));
  try {
    const temporary = join(directory, basename(outfile));
    const result = await Bun.build({
      entrypoints: [entrypoint],
      compile: {
        outfile: temporary,
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
        ...(cross && { target: `bun-linux-${cross.arch}`, executablePath: cross.runtime }),
      },
      plugins: cross ? [partsFrom(cross.parts)] : [],
      target: "bun",
      format: "esm",
      minify: true,
      bytecode: true,
      // The runtime creates no functions for modules that a command does not import. This saves half a MiB of a
      // collector.
      splitting: true,
      sourcemap: "none",
      env: "disable",
      define: { "process.env.NODE_ENV": JSON.stringify("production") },
      throw: false,
    });
    if (!result.success) throw new Error(result.logs.map(String).join("\n"));
    hideSections(temporary);
    renameSync(temporary, outfile);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Resolves imports of `.build/…` in another directory. */
function partsFrom(directory: string): BunPlugin {
  return {
    name: "parts of another target",
    setup(build) {
      build.onResolve({ filter: /\/\.build\// }, ({ path }) => ({
        path: join(directory, path.slice(path.lastIndexOf("/.build/") + "/.build/".length)),
      }));
    },
  };
}
