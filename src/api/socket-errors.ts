/** Why there can be no Unix socket at a place. */
import { dirname } from "node:path";
import { cannotRunError, type LinnixError } from "../errors.ts";
import { refusalHint } from "../sys/refusal.ts";

export const OWN_FOLDER = "choose a path in a folder that only root, or who runs this, can write to";

/** @param path where it was to be */
export function cannotUseFolder(path: string, { code, message }: NodeJS.ErrnoException): LinnixError {
  const folder = dirname(path);
  if (code === "ENOENT") {
    const hint = `make it first, with systemd by RuntimeDirectory=: mkdir -p ${folder}`;
    return cannotPlace(path, `there is no folder ${folder}`, hint);
  }
  if (code === "EACCES" || code === "EROFS") {
    const why = code === "EROFS" ? `${folder} is mounted read-only` : `${folder} is not this user's to write to`;
    return cannotPlace(path, why, OWN_FOLDER);
  }
  return cannotPlace(path, message, refusalHint(code ?? null) ?? undefined);
}

/** @param path where it was to be */
export function cannotPlace(
  path: string,
  why: string,
  hint = "choose another path, or remove the file there",
): LinnixError {
  return cannotRunError("listen", { what: `cannot listen at unix:${path}`, why, hint });
}

/** Takes something away where that can be done. */
export function ignore(action: () => void): void {
  try {
    action();
  } catch {
    // The folder does not exist, is not empty, or linnix may not remove it any more.
  }
}
