import { mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";

/**
 * Compiles `src/main.ts` and all that it embeds into one executable.
 *
 * Nothing of the directory in which it will be started configures it: it runs as root, and a `.env` or `bunfig.toml`
 * there may be anybody's.
 */
export async function compileBinary(root: string, binary: string): Promise<void> {
  const dist = join(root, "dist");
  mkdirSync(dist, { recursive: true });
  // The name of the executable is part of it: a temporary directory, not a temporary name, keeps builds alike.
  const directory = mkdtempSync(join(dist, ".build-"));
  try {
    const outfile = join(directory, binary);
    const result = await Bun.build({
      entrypoints: [join(root, "src/main.ts")],
      compile: {
        outfile,
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
      target: "bun",
      format: "esm",
      minify: true,
      bytecode: true,
      sourcemap: "none",
      env: "disable",
      define: { "process.env.NODE_ENV": JSON.stringify("production") },
      throw: false,
    });
    if (!result.success) throw new Error(result.logs.map(String).join("\n"));
    renameSync(outfile, join(dist, binary));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
