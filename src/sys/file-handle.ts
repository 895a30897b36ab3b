/** Opens files by handle: open_by_handle_at(2). */
import { checkLibc } from "./errno.ts";
import { systemCall } from "./libc.ts";
import { addressOf } from "./native.ts";

/** include/uapi/linux/mount.h, include/uapi/linux/fcntl.h */
const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const EMPTY_PATH = new Uint8Array(1);

/** include/uapi/asm-generic/fcntl.h */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/**
 * include/linux/exportfs.h: since Linux 5.5 (commit 33c5ac9175195), the handle of a kernfs file is its 64-bit id. For a
 * directory of a cgroup hierarchy, this is the cgroup's id.
 */
const FILEID_KERNFS = 0xfe;

/** struct file_handle: handle_bytes, handle_type, f_handle. */
const handle = new Uint32Array([8, FILEID_KERNFS, 0, 0]);

/**
 * Opens a file of a kernfs filesystem by the two halves of its id.
 * @param mountFd any descriptor of that filesystem that is not O_PATH
 * @returns a descriptor with O_PATH, for lookups only @throws NativeError ESTALE if the file no longer exists; EPERM
 * without CAP_DAC_READ_SEARCH; EOPNOTSUPP, EINVAL or ENOSYS if this kernel does not support it
 */
export function openKernfsById(mountFd: number, high: number, low: number): number {
  handle[2] = low;
  handle[3] = high;
  const fd = systemCall("open_by_handle_at", mountFd, addressOf(handle), O_PATH | O_CLOEXEC);
  return checkLibc("open_by_handle_at", fd);
}

/**
 * Makes a detached mount of an open directory. The mount ends when its last descriptor is closed. Since Linux 5.2.
 * @returns a descriptor of the mount
 * @throws NativeError EPERM without CAP_SYS_ADMIN
 */
export function cloneMount(fd: number): number {
  const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC;
  return checkLibc("open_tree", systemCall("open_tree", fd, addressOf(EMPTY_PATH), flags));
}
