/** The C functions of glibc that linnix calls, each beside its declaration: see bpf/symbols.ts. */

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

/** glibc. */
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
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
} as const;
