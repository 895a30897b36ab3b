import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { BunPlugin } from "bun";
import type { Arch } from "./arch.ts";
import { hideSections } from "./elf.ts";

/** Another target than this machine. */
export interface Cross {
  arch: Arch;
  /** Bun's executable for it. */
  runtime: string;
  /** Holds what `.build/` holds for this machine. */
  parts: string;
}

/**
 * Compiles a program and all that it embeds into one executable, put in place in one step.
 *
 * Nothing of the directory in which it will be started configures it: it runs as root, and a `.env` or `bunfig.toml`
 * there may be anybody's.
 *
 * @throws Error with the compiler's messages
 */
export async function compileBinary(entrypoint: string, outfile: string, cross?: Cross): Promise<void> {
  mkdirSync(dirname(outfile), { recursive: true });
  // The name of the executable is part of it: a temporary directory, not a temporary name, keeps builds alike.
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
      // What a command does not import is not even made functions of: half a MiB of a collector.
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

/** Takes imports of `.build/…` from another directory. */
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
