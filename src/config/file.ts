import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { LinnixError, usageError } from "../errors.ts";
import { isNullDevice } from "../sys/null-device.ts";
import { formatSizeBytes } from "./units.ts";

/** Far more than any configuration needs. A larger file is some other file. */
const MAX_FILE_BYTES = 1024 * 1024;

const LINE_FEED = 0x0a;

const NAME_ANOTHER = "name another with --config FILE; --config /dev/null is none";

/** The account that started linnix. linnix may drop privileges before it reads the file again. */
const STARTED_AS = process.geteuid?.();

/** Text of a configuration file, and warnings about the file. */
export interface ConfigText {
  text: string;
  warnings: string[];
}

/**
 * Reads a configuration file; null if there is none.
 * @throws {LinnixError} if it cannot be read, is no regular file, too big or not UTF-8, or if others can change it
 */
export function readConfigFile(path: string): ConfigText | null {
  let fd: number;
  try {
    // Not blocking: opening a FIFO would wait for its writer.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      return null;
    }
    if (code === "EACCES") {
      // This can also happen at a reload, after privileges were dropped.
      throw unreadable(path, "permission denied", error, `let this user read it, or ${NAME_ANOTHER}`);
    }
    throw unreadable(path, messageOf(error), error);
  }
  try {
    const stats = fstatSync(fd);
    // The null device counts as an empty file. Every account may write to it, but that does not change what is read.
    if (isNullDevice(stats)) {
      return { text: "", warnings: [] };
    }
    if (!stats.isFile()) {
      throw unreadable(path, `it is ${kindOf(stats)}, not a regular file`);
    }
    if (stats.size > MAX_FILE_BYTES) {
      throw unreadable(path, `it is bigger than ${formatSizeBytes(MAX_FILE_BYTES)}`);
    }
    return { text: decode(path, readAll(fd, path)), warnings: doubts(path, stats) };
  } catch (error) {
    throw error instanceof LinnixError ? error : unreadable(path, messageOf(error), error);
  } finally {
    closeSync(fd);
  }
}

/** Reads to the end. The file may have grown since its size was read. */
function readAll(fd: number, path: string): Uint8Array {
  const buffer = new Uint8Array(MAX_FILE_BYTES + 1);
  let length = 0;
  for (;;) {
    const read = readSync(fd, buffer, length, buffer.length - length, null);
    length += read;
    if (length > MAX_FILE_BYTES) {
      throw unreadable(path, `it is bigger than ${formatSizeBytes(MAX_FILE_BYTES)}`);
    }
    if (read === 0) {
      return buffer.subarray(0, length);
    }
  }
}

function decode(path: string, bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    // The decoder drops a byte order mark, which TOML allows and the parser refuses.
    return decoder.decode(bytes);
  } catch (cause) {
    const what = `${path}:${brokenLine(decoder, bytes)}`;
    throw usageError("config-syntax", { what, why: "not UTF-8 text", hint: "save the file as UTF-8" }, { cause });
  }
}

/**
 * Number of the first line that is not UTF-8, from 1. Each line is decoded alone, because no other character of UTF-8
 * contains the byte of a line feed.
 */
function brokenLine(decoder: TextDecoder, bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line++) {
    const end = bytes.indexOf(LINE_FEED, start);
    try {
      decoder.decode(bytes.subarray(start, end < 0 ? bytes.length : end));
    } catch {
      return line;
    }
    if (end < 0) return line;
    start = end + 1;
  }
}

/**
 * Checks which accounts could have written the file. Root writes to files that the configuration names, and drops to
 * the account that it names. So linnix refuses a file that others can write, as sudo(8) and sshd(8) do with their
 * files.
 * @returns warnings
 * @throws {LinnixError} if an account that is not trusted could have written it
 */
function doubts(path: string, stats: Stats): string[] {
  if (stats.mode & constants.S_IWOTH) {
    throw untrusted(path, "every user of this machine can write it", `chmod o-w ${path}`);
  }
  // The user who called sudo has the rights of root already, and so may own the file.
  const trusted = [0, STARTED_AS, ...(STARTED_AS === 0 ? [sudoUid()] : [])];
  if (!trusted.includes(stats.uid)) {
    const why = `it belongs to user ${stats.uid}, who could change what runs here`;
    throw untrusted(path, why, STARTED_AS === 0 ? `chown root ${path}` : "name a file of root's or of your own");
  }
  const isForGroup = (stats.mode & constants.S_IWGRP) !== 0 && stats.gid !== 0 && STARTED_AS === 0;
  return isForGroup ? [`${path} can be written by group ${stats.gid}; hint: chmod g-w ${path}`] : [];
}

/** Uid of the user who called sudo(8). A user who can forge it for a root process needs no configuration file. */
function sudoUid(): number | undefined {
  const uid = process.env.SUDO_UID;
  return uid !== undefined && /^\d{1,10}$/.test(uid) ? Number(uid) : undefined;
}

function untrusted(path: string, why: string, hint: string): LinnixError {
  return usageError("config-untrusted", { what: `the configuration file ${path} is not trusted`, why, hint });
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) {
    return "a directory";
  }
  if (stats.isFIFO()) {
    return "a FIFO";
  }
  return stats.isSocket() ? "a socket" : "a device";
}

function unreadable(path: string, why: string, cause?: unknown, hint = NAME_ANOTHER): LinnixError {
  return usageError("config-file", { what: `cannot read the configuration file ${path}`, why, hint }, { cause });
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** The system's words without Node's prefix and suffix: `EIO: i/o error, read` reads `i/o error`. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^E[A-Z0-9]+: /, "").replace(/, \w+( '.*')?$/, "");
}
