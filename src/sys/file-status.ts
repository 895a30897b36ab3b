/** Facts about a descriptor, without a request to the server or daemon behind its filesystem, which may not answer. */
import { constants } from "node:fs";
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/* statx(2) */
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
/** Type, mode, links, owner, inode and size. */
const STATX_MASK = 0x30f;
const STATX_BYTES = 256;
const LINKS = 16;
const OWNER = 20;
const MODE = 28;
const INODE = 32;
const SIZE = 40;
const DEVICE_MAJOR = 128;
const DEVICE_MINOR = 132;
const FILESYSTEM = 136;
/* fcntl(2) */
const F_GETFL = 3;

const { S_IFMT, S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR } = constants;
const PERMISSIONS = 0o7777;
const KINDS = new Map<number, FileStatus["kind"]>([
  [S_IFREG, "file"],
  [S_IFIFO, "fifo"],
  [S_IFSOCK, "socket"],
  [S_IFCHR, "character-device"],
]);

export interface FileStatus {
  kind: "file" | "fifo" | "socket" | "character-device" | "other";
  /** Whether it is /dev/null, under any name. */
  isNull: boolean;
  /** Equal for two descriptors of the same file. */
  identity: string;
  /** The last size that the kernel knew, bytes. */
  size: number;
  /** Its permissions, such as 0o644, with set-uid, set-gid and sticky bit. */
  mode: number;
  /** Its owner. */
  uid: number;
  /** Number of hard links. */
  links: number;
  /** Flags of the open file, such as O_APPEND. */
  flags: number;
}

/** @throws NativeError if the descriptor is not open */
export function fileStatus(fd: number): FileStatus {
  const status = new DataView(new ArrayBuffer(STATX_BYTES));
  const flags = checkLibc("fcntl", libc().fcntl(fd, F_GETFL, 0n));
  const how = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
  checkLibc("statx", libc().statx(fd, "", how, STATX_MASK, addressOf(status.buffer)));
  const kind = KINDS.get(status.getUint16(MODE, true) & S_IFMT) ?? "other";
  const isNull =
    kind === "character-device" &&
    status.getUint32(DEVICE_MAJOR, true) === 1 &&
    status.getUint32(DEVICE_MINOR, true) === 3;
  const identity = `${status.getBigUint64(FILESYSTEM, true)}:${status.getBigUint64(INODE, true)}`;
  const mode = status.getUint16(MODE, true) & PERMISSIONS;
  const uid = status.getUint32(OWNER, true);
  const links = status.getUint32(LINKS, true);
  return { kind, isNull, identity, size: Number(status.getBigUint64(SIZE, true)), mode, uid, links, flags };
}
