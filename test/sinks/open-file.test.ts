import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LinnixError } from "../../src/errors.ts";
import { isReadableByAll, openOutputFile } from "../../src/sinks/open-file.ts";
import { Output } from "../../src/sinks/output.ts";

const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? "" : " (skipped: needs root)";
const OTHER = 65534;

const folder = mkdtempSync(join(tmpdir(), "linnix-open-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const sticky = join(folder, "sticky");
mkdirSync(sticky);
chmodSync(sticky, 0o1777);
const victim = join(folder, "victim");
writeFileSync(victim, "precious", { mode: 0o600 });

async function outcome(path: string, owner?: { uid: number; gid: number }): Promise<string> {
  try {
    closeSync(await openOutputFile(path, owner));
    return "opened";
  } catch (error) {
    if (error instanceof LinnixError) return `${error.exitCode}: ${error.why}`;
    throw error;
  }
}

describe("a file for the output", () => {
  test("is created with mode 0600, and appended to", async () => {
    const path = join(sticky, "new");
    for (const text of ["a", "b"]) {
      const fd = await openOutputFile(path, undefined);
      writeSync(fd, text);
      closeSync(fd);
    }
    expect(readFileSync(path, "utf8")).toBe("ab");
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
  });

  test("is refused if it is a link in a sticky folder that others can write to, also without a target", async () => {
    for (const [name, target] of [
      ["link", victim],
      ["dangling", join(folder, "made-by-link")],
      ["to-folder", folder],
    ] as const) {
      symlinkSync(target, join(sticky, name));
      expect(await outcome(join(sticky, name))).toBe("2: it is a link in a folder that other accounts can write to");
    }
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(existsSync(join(folder, "made-by-link"))).toBe(false);
  });

  test.skipIf(!isRoot)(`is refused if a folder in its path is a link of another account${needsRoot}`, async () => {
    const real = join(folder, "real");
    mkdirSync(join(real, "deeper"), { recursive: true });
    const theirs = join(sticky, "their-folder");
    symlinkSync(real, theirs);
    lchownSync(theirs, OTHER, OTHER);
    const refused = "2: a folder of its path is a link that another account can change";
    expect(await outcome(join(theirs, "o"))).toBe(refused);
    expect(await outcome(join(theirs, "deeper", "o"))).toBe(refused);
    expect(await outcome(`${sticky}/./their-folder/../o`)).toBe(refused);
    expect(existsSync(join(real, "o"))).toBe(false);
    // A link of the account of --user is permitted.
    expect(await outcome(join(theirs, "o"), { uid: OTHER, gid: OTHER })).toBe("opened");
    const ours = join(sticky, "our-folder");
    symlinkSync(real, ours);
    expect(await outcome(join(ours, "deeper", "o"))).toBe("opened");
  });

  test("is refused if a folder in its path is a link that any account can replace", async () => {
    const open = join(folder, "open-to-all");
    mkdirSync(open);
    chmodSync(open, 0o777);
    symlinkSync(folder, join(open, "link"));
    expect(await outcome(join(open, "link", "o"))).toStartWith("2: a folder of its path is a link");
    symlinkSync(victim, join(open, "file-link"));
    expect(await outcome(join(open, "file-link"))).toStartWith("2: it is a link in a folder");
  });

  test("is permitted if the links in its path belong to root or this account", async () => {
    mkdirSync(join(folder, "plain/sub"), { recursive: true });
    symlinkSync("plain", join(folder, "relative-link"));
    expect(await outcome(join(folder, "relative-link/sub/o"))).toBe("opened");
    expect(await outcome(`${folder}/plain/../relative-link//./sub/o`)).toBe("opened");
    expect(await outcome(join(folder, "none/o"))).toBe("2: its folder does not exist");
    expect(await outcome(join(victim, "o"))).toBe("2: a part of the path is not a directory");
    expect(await outcome(join(sticky, "new", "o"))).toBe("2: a part of the path is not a directory");
    const before = process.cwd();
    process.chdir(folder);
    try {
      expect(await outcome("plain/o")).toBe("opened");
      expect(await outcome("o-here")).toBe("opened");
    } finally {
      process.chdir(before);
    }
  });

  test("is refused if it has a second name in a sticky folder", async () => {
    linkSync(victim, join(sticky, "second"));
    expect(await outcome(join(sticky, "second"))).toStartWith("2: it has a second name");
  });

  test("may be a link in other folders, also to a file that does not exist yet", async () => {
    symlinkSync(join(folder, "target"), join(folder, "link"));
    expect(await outcome(join(folder, "link"))).toBe("opened");
    expect(lstatSync(join(folder, "target")).mode & 0o777).toBe(0o600);
    expect(await outcome(join(folder, "link"))).toBe("opened");
  });

  test.skipIf(!isRoot)(
    `is refused in a sticky folder if it is a file or FIFO of another account${needsRoot}`,
    async () => {
      const file = join(sticky, "foreign");
      writeFileSync(file, "", { mode: 0o600 });
      chmodSync(file, 0o666);
      chownSync(file, OTHER, OTHER);
      expect(await outcome(file)).toStartWith("2: it belongs to another account");
      // The account of --user may have created it in an earlier run.
      expect(await outcome(file, { uid: OTHER, gid: OTHER })).toBe("opened");
      const fifo = join(sticky, "fifo");
      Bun.spawnSync(["mkfifo", fifo]);
      chownSync(fifo, OTHER, OTHER);
      const reader = Bun.spawn(["sh", "-c", 'exec 3<>"$1"; echo ready; read line', "sh", fifo], {
        stdin: "pipe",
        stdout: "pipe",
      });
      await reader.stdout.getReader().read();
      expect(await outcome(fifo)).toStartWith("2: it belongs to another account");
      reader.stdin.end();
      await reader.exited;
    },
  );

  test.skipIf(!isRoot)(
    `in a folder of another account is refused if it is a link, and permitted if it is that account's file${needsRoot}`,
    async () => {
      const own = join(folder, "own");
      mkdirSync(own);
      chownSync(own, OTHER, OTHER);
      symlinkSync(victim, join(own, "link"));
      expect(await outcome(join(own, "link"))).toStartWith("2: it is a link");
      writeFileSync(join(own, "file"), "", { mode: 0o600 });
      chownSync(join(own, "file"), OTHER, OTHER);
      expect(await outcome(join(own, "file"))).toBe("opened");
    },
  );

  test.skipIf(!isRoot)(
    `belongs to the given account if it is created, and keeps its owner if it exists${needsRoot}`,
    async () => {
      const owner = { uid: OTHER, gid: OTHER };
      expect(await outcome(join(folder, "given"), owner)).toBe("opened");
      expect(lstatSync(join(folder, "given"))).toMatchObject({ uid: OTHER, gid: OTHER });
      writeFileSync(join(folder, "kept"), "", { mode: 0o600 });
      expect(await outcome(join(folder, "kept"), owner)).toBe("opened");
      expect(lstatSync(join(folder, "kept")).uid).toBe(0);
    },
  );

  test("is refused with the reason if its path is wrong", async () => {
    expect(await outcome(join(folder, "none", "x"))).toBe("2: its folder does not exist");
    expect(await outcome(join(victim, "x"))).toBe("2: a part of the path is not a directory");
    expect(await outcome(folder)).toBe("2: it is a directory");
    expect(await outcome(`${join(folder, "new-folder")}/`)).toBe("2: it is a directory");
  });

  test("is reported if every account can read it", async () => {
    expect(isReadableByAll({ kind: "file", mode: 0o640 })).toBe(false);
    expect(isReadableByAll({ kind: "character-device", mode: 0o666 })).toBe(false);
    const path = join(folder, "readable");
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    await using output = await Output.open(path);
    expect(output.isReadableByAll).toBe(true);
    await using other = await Output.open(join(folder, "unreadable"));
    expect(other.isReadableByAll).toBe(false);
  });
});
