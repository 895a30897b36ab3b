/** errno values as names and as messages. */
import { constants } from "node:os";
import { libc } from "./libc.ts";
import { int32At, type Pointer } from "./native.ts";

/** Some numbers have two names; the usual one is listed first (EAGAIN, not EWOULDBLOCK). */
const NAMES = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, value]) => [value, name]),
);

/** Name of an errno value, such as `EPERM`; `errno N` if it has none. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? (errno === 524 ? "ENOTSUPP" : `errno ${errno}`);
}

/** errno after a failed libc or libbpf call that returns a pointer. Read it before any other call. */
export function lastErrno(): number {
  return int32At(libc().__errno_location() as Pointer);
}

/** Name of {@link lastErrno}. */
export function lastErrnoName(): string {
  return errnoName(lastErrno());
}

/** A native call that failed. `message` names the call and the errno. */
export class NativeError extends Error {
  override readonly name = "NativeError";

  /**
   * @param call the C function or its purpose
   * @param errno positive errno value
   */
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    // node:util is loaded only for an error, because it costs 0.3 MB.
    const text = process.getBuiltinModule("node:util").getSystemErrorMap().get(-errno)?.[1];
    super(`${call}: ${errnoName(errno)}${text ? ` (${text})` : ""}`);
  }

  get code(): string {
    return errnoName(this.errno);
  }
}

/** Returns a libc result. @throws NativeError with errno if it is -1 */
export function checkLibc(call: string, result: number): number {
  if (result === -1) throw new NativeError(call, lastErrno());
  return result;
}

/** Returns a libbpf result. @throws NativeError if it is negative, which means -errno */
export function checkLibbpf(call: string, result: number): number {
  if (result < 0) throw new NativeError(call, -result);
  return result;
}

/** Returns a libbpf pointer. @throws NativeError with errno if it is NULL */
export function checkPointer(call: string, result: Pointer | bigint | null): Pointer {
  if (result === null) throw new NativeError(call, lastErrno());
  return Number(result) as Pointer;
}
