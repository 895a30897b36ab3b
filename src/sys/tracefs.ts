/**
 * tracefs: the mounted one, or else a private detached mount. No other process sees the private mount, and it
 * disappears when its descriptor is closed, by linnix or by the kernel.
 */
import { closeSync, existsSync, readFileSync } from "node:fs";
import { cannotRunError } from "../errors.ts";
import { checkLibc, NativeError } from "./errno.ts";
import { systemCall } from "./libc.ts";
import { addressOf } from "./native.ts";

/** include/uapi/linux/mount.h */
const CLOEXEC = 1;
const FSCONFIG_CMD_CREATE = 6;

const PLACES = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/**
 * fsopen(2), fsconfig(2), fsmount(2): mounts a filesystem without attaching it to a directory. Returns a descriptor.
 */
function mountDetached(type: string): number {
  const name = new TextEncoder().encode(`${type}\0`);
  const context = checkLibc("fsopen", systemCall("fsopen", addressOf(name), CLOEXEC));
  try {
    checkLibc("fsconfig", systemCall("fsconfig", context, FSCONFIG_CMD_CREATE));
    return checkLibc("fsmount", systemCall("fsmount", context, CLOEXEC));
  } finally {
    closeSync(context);
  }
}

export class Tracefs implements Disposable {
  readonly #root: string;
  #fd: number | undefined;

  private constructor(root: string, fd?: number) {
    this.#root = root;
    this.#fd = fd;
  }

  /** @throws LinnixError (exit code 3) if tracefs is neither mounted nor can be mounted */
  static open(): Tracefs {
    for (const place of PLACES) if (existsSync(`${place}/events/sched`)) return new Tracefs(place);
    let fd: number;
    try {
      fd = mountDetached("tracefs");
    } catch (cause) {
      const why = cause instanceof NativeError ? cause.message : String(cause);
      throw cannotRunError(
        "tracefs",
        {
          what: "tracefs is not mounted, and linnix cannot mount it",
          why,
          hint: "run as root, or: mount -t tracefs tracefs /sys/kernel/tracing",
        },
        { cause },
      );
    }
    return new Tracefs(`/proc/self/fd/${fd}`, fd);
  }

  /** Whether the mount is linnix's own. */
  get isPrivate(): boolean {
    return this.#fd !== undefined;
  }

  /** Text of a file, by its path below the root of tracefs. */
  read(path: string): string {
    return readFileSync(`${this.#root}/${path}`, "utf8");
  }

  close(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
