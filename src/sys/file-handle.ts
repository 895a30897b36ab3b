/** Files by handle: name_to_handle_at(2), open_by_handle_at(2). */
import { checkLibc } from "./errno.ts";
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/** include/uapi/asm/unistd_64.h, include/uapi/asm-generic/unistd.h */
const OPEN_BY_HANDLE_AT: Record<string, bigint> = { x64: 304n, arm64: 265n };
/** The same number everywhere; since Linux 5.2. */
const OPEN_TREE = 428n;
/** include/uapi/linux/mount.h, include/uapi/linux/fcntl.h */
const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const EMPTY_PATH = new Uint8Array(1);

/** include/uapi/asm-generic/fcntl.h */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/**
 * include/linux/exportfs.h: the handle of a file of kernfs is its 64-bit id, since
 * Linux 5.5 (commit 33c5ac9175195); of a directory of a cgroup hierarchy that is the
 * cgroup's id.
 */
const FILEID_KERNFS = 0xfe;

/** struct file_handle: handle_bytes, handle_type, f_handle. */
const handle = new Uint32Array([8, FILEID_KERNFS, 0, 0]);

/**
 * Opens a file of a kernfs filesystem by the halves of its id, as a place (O_PATH) only.
 * @param mountFd any descriptor of that filesystem that is not itself O_PATH
 * @returns a descriptor
 * @throws NativeError ESTALE: there is no such file any more; EPERM: without
 *   CAP_DAC_READ_SEARCH; EOPNOTSUPP, EINVAL, ENOSYS: not by this kernel
 */
export function openKernfsById(mountFd: number, high: number, low: number): number {
  const call = OPEN_BY_HANDLE_AT[process.arch];
  if (call === undefined) throw new Error(`open_by_handle_at has no known number on ${process.arch}`);
  handle[2] = low;
  handle[3] = high;
  const flags = BigInt(O_PATH | O_CLOEXEC);
  const fd = libc().syscall(call, BigInt(mountFd), BigInt(addressOf(handle)), flags, 0n, 0n);
  return checkLibc("open_by_handle_at", Number(fd));
}

/**
 * A mount of its own of the directory that is open, attached nowhere: gone with its last descriptor.
 * @throws NativeError EPERM: without CAP_SYS_ADMIN
 */
export function cloneMount(fd: number): number {
  const flags = BigInt(OPEN_TREE_CLONE | AT_EMPTY_PATH | O_CLOEXEC);
  const cloned = libc().syscall(OPEN_TREE, BigInt(fd), BigInt(addressOf(EMPTY_PATH)), flags, 0n, 0n);
  return checkLibc("open_tree", Number(cloned));
}
