/**
 * Names of users and groups, read from the files passwd(5) and group(5). linnix does not ask the name service, because
 * that can block for a long time.
 */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { type CacheStats, Lru } from "../cgroup/lru.ts";
import { NameIndex } from "../cgroup/name-index.ts";
import { readInto } from "../sys/read-into.ts";

/** The time after which a file is checked again. */
const LOOK_EVERY_MS = 1000;
/** A file that is larger is not read. */
const MAX_BYTES = 8 * 2 ** 20;
const CHUNK_BYTES = 64 * 1024;
/** Maximum number of cached names. Processes have few different owners, unless a program makes up ids. */
const MAX_ANSWERS = 1024;

/** One file of `name:password:id:…` lines, read again after a change. */
class NameFile {
  readonly #path: string;
  #names = new NameIndex();
  readonly #answers = new Lru<number, string | null>(MAX_ANSWERS);
  #version = "";
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(path: string) {
    this.#path = path;
  }

  nameOf(id: number): string | null {
    const nowMs = performance.now();
    if (nowMs - this.#lookedMs >= LOOK_EVERY_MS) {
      this.#lookedMs = nowMs;
      this.#look();
    }
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const name = this.#names.nameOf(id);
    this.#answers.set(id, name);
    return name;
  }

  stats(): CacheStats {
    return this.#answers.stats();
  }

  #look(): void {
    try {
      const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
      const version = `${ino} ${mtimeNs} ${size}`;
      if (version === this.#version) return;
      this.#answers.clear();
      this.#names = readNames(this.#path);
      this.#version = version;
    } catch {
      this.#answers.clear();
      this.#names = new NameIndex();
      this.#version = "";
    }
  }
}

/** @throws Error if the file cannot be read, or is too large */
function readNames(path: string): NameIndex {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes`);
    const names = new NameIndex();
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    // If the file grows meanwhile, the next check finds another size and reads it again.
    for (let left = size; left > 0; ) {
      const length = readInto(fd, chunk.subarray(0, left));
      if (length === 0) break;
      names.take(chunk.subarray(0, length));
      left -= length;
    }
    names.end();
    return names;
  } finally {
    closeSync(fd);
  }
}

export interface AccountFiles {
  passwd: string;
  group: string;
}

/** Names of this machine's users and groups; null for an id without a name. */
export class Accounts {
  readonly #users: NameFile;
  readonly #groups: NameFile;

  constructor(files: AccountFiles = { passwd: "/etc/passwd", group: "/etc/group" }) {
    this.#users = new NameFile(files.passwd);
    this.#groups = new NameFile(files.group);
  }

  userName(uid: number): string | null {
    return this.#users.nameOf(uid);
  }

  groupName(gid: number): string | null {
    return this.#groups.nameOf(gid);
  }

  stats(): { users: CacheStats; groups: CacheStats } {
    return { users: this.#users.stats(), groups: this.#groups.stats() };
  }
}
