import { ptr } from "bun:ffi";
import { lastErrno } from "./errno.ts";
import { libc } from "./libc.ts";

const ENOENT = 2;
const EINTR = 4;
const ENOTDIR = 20;
/** sizeof(cpu_set_t): 1,024 CPUs. */
const CPU_SET_BYTES = 128;

/**
 * A path, one argument and an empty environment in the form of C. The object references all memory that the pointers
 * point to.
 */
class SpawnTarget {
  readonly path: Uint8Array;
  readonly argv: BigUint64Array;
  readonly envp = new BigUint64Array(1);
  readonly pid = new Int32Array(1);
  readonly status = new Int32Array(1);

  constructor(path: string) {
    this.path = new TextEncoder().encode(`${path}\0`);
    this.argv = new BigUint64Array([BigInt(ptr(this.path)), 0n]);
  }

  spawn(): number {
    return libc().posix_spawn(this.pid, this.path, null, null, this.argv, this.envp);
  }
}

/**
 * Makes the cheapest process that is possible. For a path that does not exist, glibc's posix_spawn(3) calls
 * clone(CLONE_VM | CLONE_VFORK), a failing execve and exit, and waits for the child itself. The tracepoints of fork and
 * exit fire once each; the tracepoint of exec does not. One spawn takes about 40 to 60 µs, because it copies no page
 * tables and runs no loader.
 *
 * @returns a function that makes one process, and throws if the path exists
 */
export function failingSpawn(): () => void {
  // No file can exist below a character device, so this path never exists.
  const target = new SpawnTarget("/dev/null/linnix");
  return () => {
    const error = target.spawn();
    // Without a /dev, the error is ENOENT.
    if (error !== ENOTDIR && error !== ENOENT) throw new Error(`posix_spawn returned ${error}, but exec had to fail`);
  };
}

/**
 * Spawns a program without arguments, with an empty environment and this process's standard streams, and waits for
 * its end: fork, exec and exit once each.
 *
 * @param path absolute
 * @returns a function that spawns once, and throws if the program cannot be started
 */
export function waitedSpawn(path: string): () => void {
  const target = new SpawnTarget(path);
  return () => {
    const error = target.spawn();
    if (error !== 0) throw new Error(`posix_spawn of ${path} returned ${error}`);
    while (libc().wait4(target.pid[0] as number, target.status, 0, null) === -1) {
      if (lastErrno() !== EINTR) throw new Error(`another thread has waited for ${path}`);
    }
  };
}

/** Number of the CPU on which this thread runs now; negative if the kernel does not report it. */
export function currentCpu(): number {
  return libc().sched_getcpu();
}

/**
 * Pins the calling thread to one CPU until disposed. Processes that the thread starts in the meantime stay pinned. Does
 * nothing if the kernel refuses.
 */
export function pinToCpu(cpu: number): Disposable {
  const before = new Uint8Array(CPU_SET_BYTES);
  const one = new Uint8Array(CPU_SET_BYTES);
  let pinned = false;
  if (cpu >= 0 && cpu < CPU_SET_BYTES * 8 && libc().sched_getaffinity(0, CPU_SET_BYTES, before) >= 0) {
    one[cpu >> 3] = 1 << (cpu & 7);
    pinned = libc().sched_setaffinity(0, CPU_SET_BYTES, one) === 0;
  }
  return {
    [Symbol.dispose]() {
      if (pinned) libc().sched_setaffinity(0, CPU_SET_BYTES, before);
      pinned = false;
    },
  };
}
