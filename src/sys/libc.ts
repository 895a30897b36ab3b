/** glibc, opened once and only when it is first needed. */
import { openLibrary } from "./library.ts";
import { AIO_SYMBOLS, LIBC_SYMBOLS } from "./symbols.ts";

/** At once: each library that is opened takes megabytes for a while. */
function open() {
  try {
    return openLibrary("libc.so.6", { ...LIBC_SYMBOLS, ...AIO_SYMBOLS }).symbols;
  } catch {
    return { ...openLibrary("libc.so.6", LIBC_SYMBOLS).symbols, ...openLibrary("librt.so.1", AIO_SYMBOLS).symbols };
  }
}

let symbols: ReturnType<typeof open> | undefined;

/** The C functions of `LIBC_SYMBOLS` and `AIO_SYMBOLS`. */
export function libc(): ReturnType<typeof open> {
  symbols ??= open();
  return symbols;
}
