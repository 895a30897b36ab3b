/** glibc: each C function that linnix calls, with its declaration (libbpf's are in bpf/symbols.ts). */
import { FFIType } from "bun:ffi";
import { openLibrary } from "./library.ts";

/** POSIX asynchronous I/O, aio.h: in librt before glibc 2.34. */
export const AIO_SYMBOLS = {
  // void aio_init(const struct aioinit *init);
  aio_init: { args: ["ptr"], returns: "void" },
  // int aio_write(struct aiocb *aiocbp);
  aio_write: { args: ["ptr"], returns: "i32" },
  // int aio_error(const struct aiocb *aiocbp);
  aio_error: { args: ["ptr"], returns: "i32" },
  // ssize_t aio_return(struct aiocb *aiocbp);
  aio_return: { args: ["ptr"], returns: "i64" },
  // int lio_listio(int mode, struct aiocb *const list[], int n, struct sigevent *sig);
  lio_listio: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
  // int aio_suspend(const struct aiocb *const list[], int n, const struct timespec *timeout);
  aio_suspend: { args: ["ptr", "i32", "ptr"], returns: "i32" },
} as const;

export const LIBC_SYMBOLS = {
  // int *__errno_location(void);
  __errno_location: { args: [], returns: "ptr" },
  // int getpagesize(void);
  getpagesize: { args: [], returns: "i32" },
  // int memfd_create(const char *name, unsigned int flags);
  memfd_create: { args: ["cstring", "u32"], returns: "i32" },
  // int fcntl(int fd, int cmd, long arg);
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  // int flock(int fd, int operation);
  flock: { args: ["i32", "i32"], returns: "i32" },
  // int ioctl(int fd, unsigned long request, ...);
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  // ssize_t read(int fd, void *buf, size_t count);
  read: { args: ["i32", "ptr", "usize"], returns: "i64" },
  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
  mmap: { args: ["ptr", "usize", "i32", "i32", "i32", "i64"], returns: "ptr" },
  // int setgroups(size_t size, const gid_t *list);
  setgroups: { args: ["usize", "ptr"], returns: "i32" },
  // int setresgid(gid_t rgid, gid_t egid, gid_t sgid);
  setresgid: { args: ["u32", "u32", "u32"], returns: "i32" },
  // int setresuid(uid_t ruid, uid_t euid, uid_t suid);
  setresuid: { args: ["u32", "u32", "u32"], returns: "i32" },
  // int madvise(void *addr, size_t length, int advice);
  madvise: { args: ["ptr", "usize", "i32"], returns: "i32" },
  // int mallopt(int param, int value);
  mallopt: { args: ["i32", "i32"], returns: "i32" },
  // int malloc_trim(size_t pad);
  malloc_trim: { args: ["usize"], returns: "i32" },
  // int munmap(void *addr, size_t length);
  munmap: { args: ["ptr", "usize"], returns: "i32" },
  // int clock_gettime(clockid_t clockid, struct timespec *tp);
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  // int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { args: ["ptr", "usize", "i32"], returns: "i32" },
  // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  // int getsockopt(int sockfd, int level, int optname, void *optval, socklen_t *optlen);
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  // int openat(int dirfd, const char *pathname, int flags);
  openat: { args: ["i32", "cstring", "i32"], returns: "i32" },
  // int socket(int domain, int type, int protocol);
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  // int connect(int sockfd, const struct sockaddr *addr, socklen_t addrlen);
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  // int statx(int dirfd, const char *pathname, int flags, unsigned int mask, struct statx *statxbuf);
  statx: { args: ["i32", "cstring", "i32", "u32", "ptr"], returns: "i32" },
  // int getsockname(int sockfd, struct sockaddr *addr, socklen_t *addrlen);
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // int getpeername(int sockfd, struct sockaddr *addr, socklen_t *addrlen);
  getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // int shutdown(int sockfd, int how);
  shutdown: { args: ["i32", "i32"], returns: "i32" },
  // ssize_t send(int sockfd, const void *buf, size_t len, int flags);
  send: { args: ["i32", "ptr", "usize", "i32"], returns: "i64" },
  // long syscall(long number, ...);
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: FFIType.i64_fast },
  // int posix_spawn(pid_t *, const char *path, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char
  // *const argv[], char *const envp[]);
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  // int posix_spawnattr_init(posix_spawnattr_t *);
  posix_spawnattr_init: { args: ["ptr"], returns: "i32" },
  // int posix_spawnattr_setflags(posix_spawnattr_t *, short);
  posix_spawnattr_setflags: { args: ["ptr", "i16"], returns: "i32" },
  // int posix_spawnattr_setsigmask(posix_spawnattr_t *, const sigset_t *);
  posix_spawnattr_setsigmask: { args: ["ptr", "ptr"], returns: "i32" },
  // int posix_spawnattr_setsigdefault(posix_spawnattr_t *, const sigset_t *);
  posix_spawnattr_setsigdefault: { args: ["ptr", "ptr"], returns: "i32" },
  // int posix_spawnattr_destroy(posix_spawnattr_t *);
  posix_spawnattr_destroy: { args: ["ptr"], returns: "i32" },
  // int posix_spawn_file_actions_init(posix_spawn_file_actions_t *);
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  // int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *, int fd, const char *path, int oflag, mode_t);
  posix_spawn_file_actions_addopen: { args: ["ptr", "i32", "ptr", "i32", "u32"], returns: "i32" },
  // int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *, int fd, int newfd);
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  // int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *, int fd);
  posix_spawn_file_actions_addclose: { args: ["ptr", "i32"], returns: "i32" },
  // int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *);
  posix_spawn_file_actions_destroy: { args: ["ptr"], returns: "i32" },
  // int sigemptyset(sigset_t *);
  sigemptyset: { args: ["ptr"], returns: "i32" },
  // int sigfillset(sigset_t *);
  sigfillset: { args: ["ptr"], returns: "i32" },
  // pid_t wait4(pid_t, int *wstatus, int options, struct rusage *);
  wait4: { args: ["i32", "ptr", "i32", "ptr"], returns: "i32" },
  // pid_t getpgid(pid_t);
  getpgid: { args: ["i32"], returns: "i32" },
  // pid_t getsid(pid_t);
  getsid: { args: ["i32"], returns: "i32" },
  // int setpriority(int which, id_t who, int prio);
  setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
  // int kill(pid_t, int);
  kill: { args: ["i32", "i32"], returns: "i32" },
  // int prctl(int option, unsigned long, unsigned long, unsigned long, unsigned long);
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  // int clock_nanosleep(clockid_t, int flags, const struct timespec *, struct timespec *remain);
  clock_nanosleep: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" },
  // int epoll_create1(int flags);
  epoll_create1: { args: ["i32"], returns: "i32" },
  // int epoll_wait(int epfd, struct epoll_event *, int maxevents, int timeout);
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  // int ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
  ppoll: { args: ["ptr", "u64", "ptr", "ptr"], returns: "i32" },
  // int close(int fd);
  close: { args: ["i32"], returns: "i32" },
  // int execve(const char *pathname, char *const argv[], char *const envp[]);
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  // int sigprocmask(int how, const sigset_t *set, sigset_t *oldset): of the calling thread, on Linux
  sigprocmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  // int clock_getcpuclockid(pid_t pid, clockid_t *clockid): 0 or an error number
  clock_getcpuclockid: { args: ["i32", "ptr"], returns: "i32" },
  // int getrusage(int who, struct rusage *usage);
  getrusage: { args: ["i32", "ptr"], returns: "i32" },
  // int sched_getaffinity(pid_t pid, size_t cpusetsize, cpu_set_t *mask);
  sched_getaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  // int sched_setaffinity(pid_t pid, size_t cpusetsize, const cpu_set_t *mask);
  sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  // int sched_getcpu(void);
  sched_getcpu: { args: [], returns: "i32" },
  // const char *gnu_get_libc_version(void);
  gnu_get_libc_version: { args: [], returns: "cstring" },
} as const;

/** Opens all functions in one call, because each opened library temporarily takes megabytes. */
function open() {
  try {
    return openLibrary("libc.so.6", { ...LIBC_SYMBOLS, ...AIO_SYMBOLS }).symbols;
  } catch {
    return { ...openLibrary("libc.so.6", LIBC_SYMBOLS).symbols, ...openLibrary("librt.so.1", AIO_SYMBOLS).symbols };
  }
}

let symbols: ReturnType<typeof open> | undefined;

/** All C functions, opened at the first call. */
export function libc(): ReturnType<typeof open> {
  symbols ??= open();
  return symbols;
}

/**
 * One C function alone, which takes a fraction of the time. It is for calls at the very start, and for an old glibc.
 */
export function libcFunction<Name extends keyof typeof LIBC_SYMBOLS>(name: Name): ReturnType<typeof libc>[Name] {
  return openLibrary("libc.so.6", { [name]: LIBC_SYMBOLS[name] }).symbols[name] as unknown as ReturnType<
    typeof libc
  >[Name];
}

/** Version of the glibc in this process, such as `2.36`; null if the loader does not report it. */
export function glibcVersion(): string | null {
  try {
    return String(libcFunction("gnu_get_libc_version")());
  } catch {
    return null;
  }
}

/** System calls without a function in glibc: include/uapi/asm/unistd_64.h, include/uapi/asm-generic/unistd.h. */
const SYSTEM_CALLS = {
  bpf: { x64: 321, arm64: 280 },
  fsconfig: { x64: 431, arm64: 431 },
  fsmount: { x64: 432, arm64: 432 },
  fsopen: { x64: 430, arm64: 430 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  open_tree: { x64: 428, arm64: 428 },
  perf_event_open: { x64: 298, arm64: 241 },
  pidfd_open: { x64: 434, arm64: 434 },
  seccomp: { x64: 317, arm64: 277 },
  userfaultfd: { x64: 323, arm64: 282 },
} as const;

/**
 * syscall(2).
 *
 * @returns the result of the call; -1, with errno, if it failed or has no known number on this architecture
 */
export function systemCall(name: keyof typeof SYSTEM_CALLS, a = 0, b = 0, c = 0, d = 0, e = 0): number {
  const numbers: Partial<Record<string, number>> = SYSTEM_CALLS[name];
  return Number(libc().syscall(numbers[process.arch] ?? -1, a, b, c, d, e));
}
