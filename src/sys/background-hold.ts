/**
 * Delays calls to filesystems on other threads while this process changes its user. glibc changes the user of all
 * threads and waits for each of them (nptl(7)). A thread that waits in the kernel for a filesystem does not answer, and
 * until it does, the main thread would receive no signals.
 */
let isHeld = false;
const released: (() => void)[] = [];

/** From now on, no such call begins. The caller must wait for the calls that already run. */
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

/** Registers a callback for the next release. It is called once. */
export function onBackgroundReleased(callback: () => void): void {
  released.push(callback);
}
