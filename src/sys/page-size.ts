/** The kernel's page size: 4 KiB on x86-64; 4, 16 or 64 KiB on arm64, depending on the kernel's configuration. */
import { libc } from "./libc.ts";

let asked: number | undefined;

/** Bytes of a page. The C library is called only once. */
export function pageBytes(): number {
  asked ??= libc().getpagesize();
  return asked;
}

/** Number of pages that `bytes` bytes need. */
export function pagesFor(bytes: number, page = pageBytes()): number {
  return Math.ceil(bytes / page);
}
