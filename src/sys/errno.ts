/** errno, as names and sentences. */
import { constants } from "node:os";
import { libc } from "./libc.ts";
import { int32At, type Pointer } from "./native.ts";

/** Some numbers have two names; the usual one is listed first (EAGAIN, not EWOULDBLOCK). */
const NAMES = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, value]) => [value, name]),
);

/** Name of an errno value such as `EPERM`; `errno 524` where it has none. */
export function errnoName(errno: number): string {
  return NAMES.get(errno) ?? (errno === 524 ? "ENOTSUPP" : `errno ${errno}`);
}

/** errno after a failed libc or libbpf call that returns a pointer. Read it before any other call. */
export function lastErrno(): number {
  return int32At(libc().__errno_location() as Pointer);
}

/** Its name. */
export function lastErrnoName(): string {
  return errnoName(lastErrno());
}

/** A native call that failed. `message` names the call and the errno. */
export class NativeError extends Error {
  override readonly name = "NativeError";

  /**
   * @param call the C function or what it was to do
   * @param errno positive errno value
   */
  constructor(
    readonly call: string,
    readonly errno: number,
  ) {
    // Loaded for an error alone: it costs 0.3 MB, and a collector that runs well makes none.
    const text = process.getBuiltinModule("node:util").getSystemErrorMap().get(-errno)?.[1];
    super(`${call}: ${errnoName(errno)}${text ? ` (${text})` : ""}`);
  }

  get code(): string {
    return errnoName(this.errno);
  }
}

/** Passes a libc result on; -1 becomes a `NativeError` with errno. */
export function checkLibc(call: string, result: number): number {
  if (result === -1) throw new NativeError(call, lastErrno());
  return result;
}

/** Passes a libbpf int result on; a negative one (-errno) becomes a `NativeError`. */
export function checkLibbpf(call: string, result: number): number {
  if (result < 0) throw new NativeError(call, -result);
  return result;
}

/** Passes a libbpf pointer on; NULL becomes a `NativeError` with errno. */
export function checkPointer(call: string, result: Pointer | bigint | null): Pointer {
  if (result === null) throw new NativeError(call, lastErrno());
  return Number(result) as Pointer;
}
