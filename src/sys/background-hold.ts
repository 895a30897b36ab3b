/**
 * Calls to filesystems on other threads, held back while this process is about to change its user. glibc changes the user
 * of all threads and waits for each of them (nptl(7)): one that waits in the kernel for a filesystem does not answer, and
 * this thread would hear no signal until it does.
 */
let isHeld = false;
const released: (() => void)[] = [];

/** No such call begins from now on. The caller must wait for those that are running. */
export function holdBackground(): void {
  isHeld = true;
}

export function releaseBackground(): void {
  if (!isHeld) return;
  isHeld = false;
  for (const callback of released.splice(0)) callback();
}

export function isBackgroundHeld(): boolean {
  return isHeld;
}

/** Calls back once at the next release. */
export function onBackgroundReleased(callback: () => void): void {
  released.push(callback);
}
