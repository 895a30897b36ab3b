/** Asynchronous I/O of glibc, aio(7): one pool of threads for the whole process. */
import { libc } from "./libc.ts";
import { addressOf } from "./native.ts";

/**
 * Threads that read. A thread that waits for a lock in the kernel stays there until the lock is released; the others
 * continue. These are not the runtime's own threads, because it has only a few and needs them for other work.
 */
export const READING_THREADS = 8;
/** Further threads, for writing. A thread that waits for a filesystem is blocked as well. */
const WRITING_THREADS = 8;
/**
 * How long an idle thread lives. This is longer than the default flush interval, because creating a thread costs more
 * than waking one. It is not much longer, so that the threads of the reads at the start end and free their memory:
 * glibc wakes idle threads in turn, and with a longer time each of them would get a write before it ends.
 */
const IDLE_S = 2;

/** struct aiocb of aio.h, the same on all 64-bit systems of glibc. */
export const AIOCB = { size: 168, fd: 0, buffer: 16, length: 24, notify: 44, error: 112, result: 120 } as const;
/** sigevent(7): the end of a request is not signalled; the caller polls for it. */
export const SIGEV_NONE = 1;
/** struct aioinit of aio.h, in ints. */
const AIOINIT = { size: 8, threads: 0, requests: 1, idleSeconds: 6 } as const;

let isSetUp = false;

/** The C functions. The first call sets the size of the pool, which glibc reads only at the first aio call. */
export function aio(): ReturnType<typeof libc> {
  const symbols = libc();
  if (isSetUp) return symbols;
  isSetUp = true;
  const init = new Int32Array(AIOINIT.size);
  init[AIOINIT.threads] = READING_THREADS + WRITING_THREADS;
  init[AIOINIT.requests] = 64;
  init[AIOINIT.idleSeconds] = IDLE_S;
  symbols.aio_init(addressOf(init));
  return symbols;
}
