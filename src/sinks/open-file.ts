import { basename, dirname } from "node:path";
import { type FileStatus, fileStatus } from "../sys/file-status.ts";
import { closeFile, giveFile, isFifo, openFolder, openToAppend } from "./file-calls.ts";
import { codeOf, NoReader, outputError } from "./output-errors.ts";

/** The account that a run drops to: the file is to be its own, so that it can be opened again after the drop. */
export interface FileOwner {
  uid: number;
  gid: number;
}

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
const OTHERS_READ = 0o004;

const WHY_REFUSED = {
  link: "it is a link in a folder that other accounts can write to",
  owner: "it belongs to another account, in a folder that other accounts can write to",
  links: "it has a second name, in a folder that other accounts can write to",
};

/**
 * Opens the file that `--output` names, to append to. In a folder where another account can place files, as in /tmp,
 * no link is followed and no file of another account is taken: it would decide what is written to, or read all of it.
 *
 * @param owner gets the file if it is new
 * @throws NoReader if it is a FIFO without a reader
 * @throws LinnixError (exit code 2) if it cannot be opened, or is refused
 */
export async function openOutputFile(path: string, owner: FileOwner | undefined): Promise<number> {
  try {
    return await open(path, owner);
  } catch (cause) {
    if (cause instanceof Refusal) throw outputError(path, cause.message, undefined);
    if (codeOf(cause) === "ENXIO" && (await isFifo(path))) throw new NoReader();
    throw outputError(path, codeOf(cause), cause);
  }
}

/** Whether every account can read what is written to the file. */
export function isReadableByAll({ kind, mode }: Pick<FileStatus, "kind" | "mode">): boolean {
  return kind === "file" && (mode & OTHERS_READ) !== 0;
}

/** Why a file is not taken. */
class Refusal extends Error {}

async function open(path: string, owner: FileOwner | undefined): Promise<number> {
  // It can only be a folder, which open(2) says.
  if (path.endsWith("/")) return (await openToAppend(path, true)).fd;
  const folder = await openFolder(dirname(path));
  try {
    const { mode, uid } = fileStatus(folder);
    const trusted = [0, process.geteuid?.() ?? 0, ...(owner ? [owner.uid] : [])];
    const isShared = (mode & STICKY) !== 0 && (mode & OTHERS_WRITE) !== 0;
    const isTrusted = !isShared && (uid === 0 || uid === process.geteuid?.());
    const { fd, isNew } = await openToAppend(`/proc/self/fd/${folder}/${basename(path)}`, isTrusted).catch((cause) => {
      throw codeOf(cause) === "ELOOP" && !isTrusted ? new Refusal(WHY_REFUSED.link) : cause;
    });
    try {
      // Nor one that the folder's own account has placed in a folder of its own, but for its own files.
      if (!isTrusted) checkFile(fileStatus(fd), isShared ? trusted : [...trusted, uid]);
      // Without CAP_CHOWN it stays what it is, and the run goes on.
      if (isNew && owner) await giveFile(fd, owner).catch(() => {});
    } catch (error) {
      await closeFile(fd);
      throw error;
    }
    return fd;
  } finally {
    await closeFile(folder);
  }
}

function checkFile({ kind, uid, links }: FileStatus, trusted: readonly number[]): void {
  if (!trusted.includes(uid)) throw new Refusal(WHY_REFUSED.owner);
  if (kind === "file" && links > 1) throw new Refusal(WHY_REFUSED.links);
}
