import { openLibrary } from "./library.ts";

/** Version of the glibc in this process, such as `2.36`; null if its loader cannot be asked. */
export function glibcVersion(): string | null {
  try {
    // const char *gnu_get_libc_version(void); apart from the other functions, some of which an old glibc lacks.
    const { symbols } = openLibrary("libc.so.6", { gnu_get_libc_version: { args: [], returns: "cstring" } });
    return String(symbols.gnu_get_libc_version());
  } catch {
    return null;
  }
}
