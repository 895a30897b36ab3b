/** One program started with this process's own input, output and working directory, in a session of its own. */
import { ptr } from "bun:ffi";
import { errnoName } from "./errno.ts";
import { libc } from "./libc.ts";
import { cString } from "./spawn.ts";

/** spawn.h of glibc */
const SETSIGDEF = 4;
const SETSIGMASK = 8;
const SETSID = 0x80;
/** Larger than any opaque type of glibc. */
const OPAQUE_BYTES = 2048;

/**
 * posix_spawn(3), so that the caller can wait for the program by wait4(2). The runtime would wait for its own children
 * itself.
 *
 * @param closing a descriptor that the program does not inherit
 * @returns the pid
 * @throws Error with the errno's name as `code`
 */
export function spawnInheriting(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  closing: number,
): number {
  const attributes = new Uint8Array(OPAQUE_BYTES);
  const actions = new Uint8Array(OPAQUE_BYTES);
  const signals = new Uint8Array(128);
  libc().posix_spawnattr_init(attributes);
  libc().posix_spawn_file_actions_init(actions);
  libc().posix_spawn_file_actions_addclose(actions, closing);
  libc().sigemptyset(signals);
  libc().posix_spawnattr_setsigmask(attributes, signals);
  // An ignored signal stays ignored across exec, and the runtime ignores SIGPIPE.
  libc().sigfillset(signals);
  libc().posix_spawnattr_setsigdefault(attributes, signals);
  libc().posix_spawnattr_setflags(attributes, SETSIGDEF | SETSIGMASK | SETSID);
  const words = argv.map(cString);
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [cString(`${name}=${value}`)],
  );
  const pid = new Int32Array(1);
  const path = words[0] ?? cString("");
  const error = libc().posix_spawn(pid, path, actions, attributes, pointers(words), pointers(variables));
  if (error !== 0) throw Object.assign(new Error(`${argv[0]}: ${errnoName(error)}`), { code: errnoName(error) });
  return pid[0] ?? 0;
}

function pointers(strings: readonly Uint8Array[]): BigUint64Array {
  const array = new BigUint64Array(strings.length + 1);
  for (const [i, bytes] of strings.entries()) array[i] = BigInt(ptr(bytes));
  return array;
}
