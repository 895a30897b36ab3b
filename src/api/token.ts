import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { type LinnixError, usageError } from "../errors.ts";
import type { ListenAddress } from "./listen-address.ts";

/** The environment variable that holds the token; it goes before a file. */
export const TOKEN_VARIABLE = "LINNIX_API_TOKEN";

const MAX_TOKEN_BYTES = 4096;
/** A shorter token can be guessed, by thousands of requests a second. */
const MIN_TOKEN_BYTES = 16;
/** `token68` of RFC 9110, section 11.2: what may follow `Bearer`. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** This happens at a reload after `--user`: a file that only root can read is not readable any more. */
const HINT_ACCESS = "let the group of the user that linnix runs as read it: chgrp GROUP FILE && chmod 640 FILE";
const WHY: { [code: string]: string } = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no directory",
  EACCES: "permission denied",
  ELOOP: "its symbolic links go in a circle",
  // A socket.
  ENXIO: "it is no regular file",
};
const HINT = "write one with: (umask 077; openssl rand -hex 32 > FILE)";

/**
 * The bearer token from the environment, else from the file; null if there is neither.
 * @throws LinnixError (exit code 2) when it is there but cannot be used
 */
export function readToken(tokenFile: string | null, environment = process.env): string | null {
  const fromEnvironment = environment[TOKEN_VARIABLE];
  if (fromEnvironment !== undefined) return checked(fromEnvironment, TOKEN_VARIABLE);
  return tokenFile === null ? null : checked(readTokenFile(tokenFile), tokenFile);
}

function readTokenFile(path: string): string {
  let fd: number;
  try {
    // Does not wait if the file is a pipe.
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
      throw tokenError(`${path} is no regular file`, undefined, HINT);
    // Group members may read it if its owner permits that. No other account may, and only the owner may change it.
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
    throw tokenError(`${origin} holds a token that can be guessed`, why, HINT, origin !== TOKEN_VARIABLE);
  }
  const why = token === "" ? "it is empty" : "it holds what a header cannot carry";
  throw tokenError(`${origin} holds no token`, why, HINT, origin !== TOKEN_VARIABLE);
}

function tokenError(what: string, why: string | undefined, hint: string, isOfFile = true): LinnixError {
  return usageError("api-token", { what, why, hint, setting: isOfFile ? "api.token_file" : undefined });
}

/**
 * The token that requests at that address must have; null: none.
 * @throws LinnixError (exit code 2) if a token is needed and there is none, or it cannot be used
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
    why: "other machines can reach this address, and command lines hold secrets",
    hint: `set ${TOKEN_VARIABLE} or --api-token-file, or listen at 127.0.0.1 or unix:/run/linnix.sock`,
    setting: "api.listen",
  });
}

/** Compares what requests carry with the token, in a time that does not depend on where they differ. */
export class TokenCheck {
  readonly #digest: Uint8Array;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  /** Whether both require the same token. */
  equals(other: TokenCheck): boolean {
    return crypto.timingSafeEqual(this.#digest, other.#digest);
  }

  /** @param authorization the header's value */
  allows(authorization: string | null): boolean {
    const credentials = /^Bearer +(\S+) *$/i.exec(authorization ?? "");
    // Digests have one length, whatever was sent.
    return credentials !== null && crypto.timingSafeEqual(digestOf(credentials[1] as string), this.#digest);
  }
}

/** Does not use node:crypto, which loads a MiB of streams. */
function digestOf(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}
