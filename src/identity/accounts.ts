/** Names of users and groups, from passwd(5) and group(5) themselves: asking the name service could block for long. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

/** A file is looked at again when so much time has passed. */
const LOOK_EVERY_MS = 1000;
/** A file that is larger is not read. */
const MAX_BYTES = 8 * 2 ** 20;
const MAX_ID = 2 ** 32 - 2;

/** One file of `name:password:id:…` lines, read anew when it has changed. */
class NameFile {
  readonly #path: string;
  #names = new Map<number, string>();
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
    return this.#names.get(id) ?? null;
  }

  #look(): void {
    try {
      const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true });
      const version = `${ino} ${mtimeNs} ${size}`;
      if (version === this.#version) return;
      this.#names = parseNames(readBounded(this.#path));
      this.#version = version;
    } catch {
      this.#names = new Map();
      this.#version = "";
    }
  }
}

/** Names by id; the first line of an id counts, as for the C library. */
export function parseNames(text: string): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":", 3);
    // `+` and `-` are NIS's, `#` a comment.
    if (!name || !id || !/^\d{1,10}$/.test(id) || /^[+#-]/.test(name)) continue;
    const number = Number(id);
    if (number <= MAX_ID && !names.has(number)) names.set(number, name);
  }
  return names;
}

/** @throws Error when it cannot be read, or is larger than anybody's */
function readBounded(path: string): string {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes`);
    const bytes = Buffer.alloc(size);
    let length = 0;
    while (length < size) {
      const got = readSync(fd, bytes, length, size - length, null);
      if (got === 0) break;
      length += got;
    }
    return bytes.toString("utf8", 0, length);
  } finally {
    closeSync(fd);
  }
}

export interface AccountFiles {
  passwd: string;
  group: string;
}

/** Names of this machine's users and groups; an id without one has null. */
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
}
