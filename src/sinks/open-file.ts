import { basename, dirname } from "node:path";
import { type FileStatus, fileStatus } from "../sys/file-status.ts";
import { closeFile, giveFile, isFifo, openFolder, openName, openToAppend } from "./file-calls.ts";
import { codeOf, NoReader, outputError } from "./output-errors.ts";

/**
 * The account that a run switches to. The file must belong to it, so that the run can open it again after the switch.
 */
export interface FileOwner {
  uid: number;
  gid: number;
}

const STICKY = 0o1000;
const OTHERS_WRITE = 0o022;
const ALL_WRITE = 0o002;
const OTHERS_READ = 0o004;

const WHY_REFUSED = {
  link: "it is a link in a folder that other accounts can write to",
  owner: "it belongs to another account, in a folder that other accounts can write to",
  folder: "a folder of its path is a link that another account can change",
  links: "it has a second name, in a folder that other accounts can write to",
};

/**
 * Opens the file of `--output`, to append to. In a folder where another account can place files, such as /tmp, it
 * follows no links and refuses files of other accounts. Otherwise such an account could choose the file that linnix
 * writes to, or read all lines.
 *
 * @param owner becomes the owner of a new file
 * @throws NoReader if the path is a FIFO without a reader
 * @throws LinnixError (exit code 2) if the file cannot be opened, or is refused
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

/** Why a file is refused. */
class Refusal extends Error {}

async function open(path: string, owner: FileOwner | undefined): Promise<number> {
  // A path with a slash at its end can only be a folder, and open(2) reports that.
  if (path.endsWith("/")) return (await openToAppend(path, true)).fd;
  const trusted = [0, process.geteuid?.() ?? 0, ...(owner ? [owner.uid] : [])];
  const folder = await openFolderOf(path, trusted);
  try {
    const { uid } = fileStatus(folder);
    const { isShared, isTrusted } = trustIn(folder);
    const { fd, isNew } = await openToAppend(`/proc/self/fd/${folder}/${basename(path)}`, isTrusted).catch((cause) => {
      throw codeOf(cause) === "ELOOP" && !isTrusted ? new Refusal(WHY_REFUSED.link) : cause;
    });
    try {
      // In a folder where only its owner can place files, files of this owner are accepted too.
      if (!isTrusted) checkFile(fileStatus(fd), isShared ? trusted : [...trusted, uid]);
      // Without CAP_CHOWN the owner does not change, and the run continues.
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

/**
 * `isShared`: whether accounts other than its owner can place files in a folder. `isTrusted`: whether only root or the
 * account of this process can.
 */
function trustIn(folder: number): { isShared: boolean; isTrusted: boolean } {
  const { mode, uid } = fileStatus(folder);
  const isShared = (mode & ALL_WRITE) !== 0 || ((mode & STICKY) !== 0 && (mode & OTHERS_WRITE) !== 0);
  return { isShared, isTrusted: !isShared && (uid === 0 || uid === process.geteuid?.()) };
}

/** Opens the folder of a file, one component after the other, so that no link of another account leads elsewhere. */
async function openFolderOf(path: string, trusted: readonly number[]): Promise<number> {
  let folder = await openFolder(path.startsWith("/") ? "/" : ".", true);
  try {
    for (const name of dirname(path).split("/")) {
      if (name === "" || name === ".") continue;
      const next = await openNext(folder, `/proc/self/fd/${folder}/${name}`, trusted);
      await closeFile(folder);
      folder = next;
    }
    return folder;
  } catch (error) {
    await closeFile(folder);
    throw error;
  }
}

async function openNext(folder: number, path: string, trusted: readonly number[]): Promise<number> {
  const { isTrusted } = trustIn(folder);
  try {
    return await openFolder(path, isTrusted);
  } catch (error) {
    if (isTrusted || codeOf(error) !== "ENOTDIR") throw error;
  }
  const name = await openName(path);
  try {
    const { kind, uid } = fileStatus(name);
    const { mode } = fileStatus(folder);
    // In a sticky folder, only the owner of an entry and the owner of the folder can replace the entry.
    const canBeReplaced = (mode & STICKY) === 0 && (mode & ALL_WRITE) !== 0;
    if (kind === "other" && (canBeReplaced || !trusted.includes(uid))) throw new Refusal(WHY_REFUSED.folder);
  } finally {
    await closeFile(name);
  }
  return openFolder(path, true);
}

function checkFile({ kind, uid, links }: FileStatus, trusted: readonly number[]): void {
  if (!trusted.includes(uid)) throw new Refusal(WHY_REFUSED.owner);
  if (kind === "file" && links > 1) throw new Refusal(WHY_REFUSED.links);
}
