import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Puts `data` at `path` in one step: a reader sees the old file or the new one, never a part. A file with the same
 * content is not touched and keeps its time.
 *
 * @returns whether the file changed
 */
export function writeFileAtomically(path: string, data: string | Uint8Array): boolean {
  const bytes = Buffer.from(data);
  if (readIfThere(path)?.equals(bytes)) return false;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, bytes, { flag: "wx", mode: 0o644 });
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

/** The file's bytes, or undefined if there is none. */
export function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
