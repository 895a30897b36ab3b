/** The kernel's pages: of 4 KiB on x86-64; of 4, 16 or 64 KiB on arm64, as the kernel was built. */
import { libc } from "./libc.ts";

let asked: number | undefined;

/** Bytes of a page. The C library is called only once. */
export function pageBytes(): number {
  asked ??= libc().getpagesize();
  return asked;
}

/** How many pages hold `bytes` bytes. */
export function pagesFor(bytes: number, page = pageBytes()): number {
  return Math.ceil(bytes / page);
}
