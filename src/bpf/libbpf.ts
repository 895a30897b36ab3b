/**
 * libbpf, loaded from the bytes that the binary carries: linnix writes nothing to disk, and needs neither an installed
 * libbpf nor an executable /tmp.
 */
import { closeSync, writeSync } from "node:fs";
import { glibcMinor } from "../../.build/build-info.json";
import { cannotRunError, LinnixError } from "../errors.ts";
import { checkLibc } from "../sys/errno.ts";
import { libc } from "../sys/libc.ts";
import { openLibrary } from "../sys/library.ts";
import { refusalCode, refusalHint } from "../sys/refusal.ts";
import { type EmbeddedLibrary, libraries } from "./embedded.ts";
import { LIBBPF_SYMBOLS } from "./symbols.ts";

/** include/uapi/linux/memfd.h */
const MFD_CLOEXEC = 1;

/** Creates a file in memory with these bytes. Returns its descriptor. */
function memoryFile(name: string, bytes: Uint8Array): number {
  const fd = checkLibc("memfd_create", libc().memfd_create(name, MFD_CLOEXEC));
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  return fd;
}

/** dlopen of Bun needs a symbol to look up. Every library has this one, because the loader finds it in glibc. */
const LOADED_SYMBOLS = { memcpy: { args: [], returns: "void" } } as const;

function open() {
  const fds: number[] = [];
  // All descriptors stay open until the last library is loaded, because the loader treats two libraries with the same
  // path as one.
  const pathOf = ({ soname, bytes }: EmbeddedLibrary) => {
    const fd = memoryFile(soname, bytes());
    fds.push(fd);
    return `/proc/self/fd/${fd}`;
  };
  try {
    const [last, ...needed] = libraries().reverse();
    if (!last) throw new Error("no library is embedded");
    // The loader finds the libraries that libbpf needs by their SONAME, because they are loaded already.
    for (const library of needed.reverse()) openLibrary(pathOf(library), LOADED_SYMBOLS);
    const { symbols } = openLibrary(pathOf(last), LIBBPF_SYMBOLS);
    // By default libbpf writes warnings to stderr. The errors already contain what matters.
    symbols.libbpf_set_print(null);
    return symbols;
  } catch (cause) {
    if (cause instanceof LinnixError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw cannotRunError("libbpf", { what: "libbpf could not be loaded", why, hint: hintFor(cause, why) }, { cause });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function hintFor(cause: unknown, why: string): string {
  if (why.includes("GLIBC_")) return `linnix needs glibc 2.${glibcMinor} or newer`;
  return refusalHint(refusalCode(cause)) ?? "linnix doctor checks what this machine supports";
}

let symbols: ReturnType<typeof open> | undefined;

/** The C functions of `LIBBPF_SYMBOLS`; the first call loads the library. */
export function libbpf(): ReturnType<typeof open> {
  symbols ??= open();
  return symbols;
}
