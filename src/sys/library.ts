/** Shared libraries, opened by a name or a path. */
import { dlopen } from "bun:ffi";
import { cannotRunError } from "../errors.ts";

/** Part of the runtime's message if it could not make memory executable when it started. */
const NO_EXECUTABLE_MEMORY = "requires the JIT";

/** Whether this process can call C functions at all. */
export function hasNativeCalls(): boolean {
  try {
    openLibrary("libc.so.6", { getpid: { args: [], returns: "i32" } }).close();
    return true;
  } catch {
    return false;
  }
}

/**
 * Opens a library and makes its functions callable, which requires executable memory.
 * @throws LinnixError (exit code 3) if this process has no executable memory; otherwise the loader's error
 */
export const openLibrary: typeof dlopen = (path, symbols) => {
  try {
    return dlopen(path, symbols);
  } catch (cause) {
    if (!(cause instanceof Error && cause.message.includes(NO_EXECUTABLE_MEMORY))) throw cause;
    throw cannotRunError(
      "executable-memory",
      {
        what: "linnix cannot run in this process",
        why: "it has no executable memory",
        hint:
          "raise ulimit -v and -d (LimitAS= and LimitDATA= of systemd) to 4 GiB or more, " +
          "leave out MemoryDenyWriteExecute=, allow execmem in SELinux, or unset BUN_JSC_useJIT; with vm.overcommit_memory=2 the machine needs more memory",
      },
      { cause },
    );
  }
};
