/** Errors for a path at which linnix cannot make its Unix socket. */
import { dirname } from "node:path";
import { cannotRunError, type LinnixError } from "../errors.ts";
import { refusalHint } from "../sys/refusal.ts";

export const OWN_FOLDER = "choose a path in a folder that only root, or the user who runs linnix, can write to";

/** @param path the path of the socket */
export function cannotUseFolder(path: string, { code, message }: NodeJS.ErrnoException): LinnixError {
  const folder = dirname(path);
  if (code === "ENOENT") {
    const hint = `make this folder first (with systemd by RuntimeDirectory=): mkdir -p ${folder}`;
    return cannotPlace(path, `there is no folder ${folder}`, hint);
  }
  if (code === "EACCES" || code === "EROFS") {
    const why = code === "EROFS" ? `${folder} is mounted read-only` : `this user may not write to ${folder}`;
    return cannotPlace(path, why, OWN_FOLDER);
  }
  return cannotPlace(path, message, refusalHint(code ?? null) ?? undefined);
}

/** @param path the path of the socket */
export function cannotPlace(
  path: string,
  why: string,
  hint = "choose another path, or remove the file there",
): LinnixError {
  return cannotRunError("listen", { what: `cannot listen at unix:${path}`, why, hint });
}

/** Runs an action that removes a file or folder, and ignores its failure. */
export function ignore(action: () => void): void {
  try {
    action();
  } catch {
    // The folder does not exist, is not empty, or linnix may not remove it any more.
  }
}
