import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type LinnixError, usageError } from "../errors.ts";
import type { ListenAddress } from "./listen-address.ts";

/** The environment variable with the token. It takes precedence over a file. */
export const TOKEN_VARIABLE = "LINNIX_API_TOKEN";

const MAX_TOKEN_BYTES = 4096;
/** With thousands of requests per second, a client could guess a shorter token. */
const MIN_TOKEN_BYTES = 16;
/** The `token68` of RFC 9110, section 11.2, which follows `Bearer` in the header. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** Hint for EACCES. After `--user`, a reload can no longer read a file that only root can read. */
const HINT_ACCESS = "let the group of the user that linnix runs as read it: chgrp GROUP FILE && chmod 640 FILE";
const WHY: { [code: string]: string } = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is not a directory",
  EACCES: "permission denied",
  ELOOP: "its symbolic links form a loop",
  // open(2) of a socket.
  ENXIO: "it is not a regular file",
};
const HINT = "make a token file: (umask 077; openssl rand -hex 32 > FILE)";

/**
 * The bearer token from the environment, else from the file; null if there is neither.
 * @throws LinnixError (exit code 2) if there is a token but it cannot be used
 */
export function readToken(tokenFile: string | null, environment = process.env): string | null {
  const fromEnvironment = environment[TOKEN_VARIABLE];
  if (fromEnvironment !== undefined) return checked(fromEnvironment, TOKEN_VARIABLE);
  return tokenFile === null ? null : checked(readTokenFile(tokenFile), tokenFile);
}

function readTokenFile(path: string): string {
  let fd: number;
  try {
    // O_NONBLOCK: opening a pipe must not wait.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const { code = "", message } = cause as NodeJS.ErrnoException;
    throw tokenError(
      `the token file ${path} cannot be read`,
      WHY[code] ?? message,
      code === "EACCES" ? HINT_ACCESS : HINT,
    );
  }
  try {
    const { mode, uid } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG)
      throw tokenError(`${path} is not a regular file`, undefined, HINT);
    // The group may read the file, if its owner permits that. Other accounts may not, and only the owner may change it.
    if (mode & 0o026) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      throw tokenError(`others can read or change ${path}`, `its mode is ${octal}`, `chmod 600 ${path}`);
    }
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw tokenError(`${path} belongs to another user`, `its owner has the uid ${uid}`, `chown root ${path}`);
    }
    const bytes = new Uint8Array(MAX_TOKEN_BYTES + 1);
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    if (length > MAX_TOKEN_BYTES) throw tokenError(`${path} is too long for a token`, undefined, HINT);
    return new TextDecoder().decode(bytes.subarray(0, length)).trim();
  } finally {
    closeSync(fd);
  }
}

function checked(token: string, origin: string): string {
  const isToken = TOKEN.test(token) && token.length <= MAX_TOKEN_BYTES;
  if (isToken && token.length >= MIN_TOKEN_BYTES) return token;
  if (isToken) {
    const why = `a token has at least ${MIN_TOKEN_BYTES} characters, this one has ${token.length}`;
    throw tokenError(`the token in ${origin} is too short`, why, HINT, origin !== TOKEN_VARIABLE);
  }
  const why = token === "" ? "it is empty" : "it has characters that a header cannot carry, or is too long";
  throw tokenError(`${origin} has no valid token`, why, HINT, origin !== TOKEN_VARIABLE);
}

function tokenError(what: string, why: string | undefined, hint: string, isOfFile = true): LinnixError {
  return usageError("api-token", { what, why, hint, setting: isOfFile ? "api.token_file" : undefined });
}

/**
 * The check of the token that requests to that address need; null if they need none.
 * @throws LinnixError (exit code 2) if the address needs a token and there is none, or if the token cannot be used
 */
export function tokenCheck(
  address: ListenAddress,
  { listen, tokenFile }: { listen: string; tokenFile: string | null },
): TokenCheck | null {
  const token = readToken(tokenFile);
  if (token !== null) return new TokenCheck(token);
  if (address.kind === "unix" || address.isLoopback) return null;
  throw usageError("api-token-missing", {
    what: `cannot listen at ${listen} without a token`,
    why: "other machines can reach this address, and command lines can contain secrets",
    hint: `set ${TOKEN_VARIABLE} or --api-token-file, or listen at 127.0.0.1 or unix:/run/linnix.sock`,
    setting: "api.listen",
  });
}

/** Compares the credentials of requests with the token, in a time that does not depend on where they differ. */
export class TokenCheck {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  /** Whether both require the same token. */
  equals(other: TokenCheck): boolean {
    return crypto.timingSafeEqual(this.#digest, other.#digest);
  }

  /** Whether a request has the token. @param authorization value of its header `Authorization` */
  allows(authorization: string | null): boolean {
    const credentials = /^Bearer +(\S+) *$/i.exec(authorization ?? "");
    // timingSafeEqual needs equal lengths, which digests have.
    return credentials !== null && crypto.timingSafeEqual(digestOf(credentials[1] as string), this.#digest);
  }
}

/** SHA-256 without node:crypto, which would load a MiB of code for streams. */
function digestOf(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}
