/** Version of a Linux kernel, by its first two numbers. */
export interface KernelVersion {
  major: number;
  minor: number;
}

/** The version in a release such as `6.1.0-50-amd64`; null if there is none. */
export function parseKernelVersion(release: string | null): KernelVersion | null {
  const match = /^(\d{1,4})\.(\d{1,4})/.exec(release ?? "");
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : null;
}

/** Whether the kernel is at least `major.minor`; null if its version is unknown. */
export function isAtLeast(version: KernelVersion | null, major: number, minor: number): boolean | null {
  if (version === null) return null;
  return version.major > major || (version.major === major && version.minor >= minor);
}

/**
 * The kernel's release, from /proc and from uname(2). They can differ (setarch --uname-2.6, a container that hides its
 * host). If they differ, this returns the older one, because programs that read only one of the two may expect that
 * kernel.
 */
export function kernelRelease(ofProc: string | null, ofUname: string): string {
  const [proc, uname] = [parseKernelVersion(ofProc), parseKernelVersion(ofUname)];
  if (ofProc === null) return ofUname;
  return proc !== null && uname !== null && isAtLeast(uname, proc.major, proc.minor) === false ? ofUname : ofProc;
}
