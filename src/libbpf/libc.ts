/** glibc, opened once and only when it is first needed. */
import { dlopen } from "bun:ffi";
import { LIBC_SYMBOLS } from "./symbols.ts";

function open() {
  return dlopen("libc.so.6", LIBC_SYMBOLS).symbols;
}

let symbols: ReturnType<typeof open> | undefined;

/** The C functions of `LIBC_SYMBOLS`. */
export function libc(): ReturnType<typeof open> {
  symbols ??= open();
  return symbols;
}
