import { closeSync, openSync, readFileSync, realpathSync, writeSync } from "node:fs";
import { dirname, posix } from "node:path";

/** The files of the guest's root, by absolute path. */
export interface GuestFile {
  path: string;
  bytes: Uint8Array;
  executable?: boolean;
}

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** A file of this machine, links followed, for the same or another path. */
export function hostFile(path: string, place = path): GuestFile {
  return { path: place, bytes: readFileSync(realpathSync(path)), executable: true };
}

/**
 * Writes an initramfs: a cpio archive of the "newc" format (kernel sources,
 * Documentation/driver-api/early-userspace/buffer-format.rst), uncompressed.
 * Missing parent directories are added.
 */
export function writeInitramfs(output: string, files: readonly GuestFile[]): void {
  const fd = openSync(output, "wx", 0o600);
  try {
    let inode = 0;
    const entry = (path: string, mode: number, bytes: Uint8Array) => {
      for (const part of newcEntry(path, mode, ++inode, bytes)) writeWhole(fd, part);
    };
    for (const directory of directoriesOf(files)) entry(directory, S_IFDIR | 0o755, new Uint8Array());
    for (const { path, bytes, executable } of files) entry(path, S_IFREG | (executable ? 0o755 : 0o644), bytes);
    entry("/TRAILER!!!", 0, new Uint8Array());
  } finally {
    closeSync(fd);
  }
}

function directoriesOf(files: readonly GuestFile[]): string[] {
  const directories = new Set<string>();
  for (const { path } of files) {
    for (let at = dirname(path); at !== "/"; at = dirname(at)) directories.add(at);
  }
  // A directory comes before its contents.
  return [...directories].sort();
}

function newcEntry(path: string, mode: number, inode: number, bytes: Uint8Array): Uint8Array[] {
  const name = Buffer.from(`${posix.relative("/", path)}\0`);
  const links = (mode & S_IFDIR) === S_IFDIR ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, bytes.length, 0, 0, 0, 0, name.length, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return [padded(Buffer.concat([Buffer.from(header), name])), bytes, new Uint8Array(-bytes.length & 3)];
}

/** Pads with NULs to the next multiple of four. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

function writeWhole(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
