import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Accounts } from "../../src/process/accounts.ts";

describe("the account files", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "linnix-accounts-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("give the name of root, and null for an id without a name", () => {
    const accounts = new Accounts();
    expect([accounts.userName(0), accounts.groupName(0)]).toEqual(["root", "root"]);
    expect([accounts.userName(3_999_999_999), accounts.groupName(3_999_999_999)]).toEqual([null, null]);
  });

  test("are read again after they were replaced, but not at every lookup", async () => {
    const files = { passwd: join(folder, "passwd"), group: join(folder, "group") };
    writeFileSync(files.passwd, "anna:x:1000:1000::/:/bin/sh\n");
    const accounts = new Accounts(files);
    expect([accounts.userName(1000), accounts.groupName(1000)]).toEqual(["anna", null]);
    writeFileSync(`${files.passwd}.new`, "bert:x:1000:1000::/:/bin/sh\n");
    renameSync(`${files.passwd}.new`, files.passwd);
    await Bun.sleep(1100);
    expect(accounts.userName(1000)).toBe("bert");
    rmSync(files.passwd);
    await Bun.sleep(1100);
    expect(accounts.userName(1000)).toBeNull();
  });

  test("are not read if they are unusually large", () => {
    const passwd = join(folder, "huge");
    writeFileSync(passwd, `anna:x:1000:1000::/:/bin/sh\n${"#".repeat(9 * 2 ** 20)}`);
    expect(new Accounts({ passwd, group: passwd }).userName(1000)).toBeNull();
  });

  test("use only the memory of their names and ids, also if large", () => {
    const passwd = join(folder, "large");
    const line = (_: unknown, i: number) => `user${i}:x:${1000 + i}:1000:User ${i},,,:/home/user${i}:/bin/bash\n`;
    writeFileSync(passwd, Array.from({ length: 120_000 }, line).join(""));
    const code = `
      const { Accounts } = await import(${JSON.stringify(join(import.meta.dir, "../../src/process/accounts.ts"))});
      const { readProcessMemory } = await import(${JSON.stringify(join(import.meta.dir, "../../src/procfs/memory.ts"))});
      const accounts = new Accounts(${JSON.stringify({ passwd, group: passwd })});
      const { anonBytes } = readProcessMemory(process.pid);
      const names = [1000, 120999, 121000].map((id) => accounts.userName(id));
      console.log(JSON.stringify({ names, grownBytes: readProcessMemory(process.pid).anonBytes - anonBytes }));
    `;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", code]);
    const { names, grownBytes } = JSON.parse(stdout.toString());
    expect(names).toEqual(["user0", "user119999", null]);
    // The file has 8 MB, of which names and ids are 2 MB; the whole file as strings used 45 MB.
    expect(grownBytes).toBeLessThan(20 * 2 ** 20);
  });

  test("give the names of more ids than the cache holds", () => {
    const passwd = join(folder, "many");
    writeFileSync(passwd, Array.from({ length: 3000 }, (_, i) => `u${i}:x:${i}:\n`).join(""));
    const accounts = new Accounts({ passwd, group: passwd });
    for (let round = 0; round < 2; round++) {
      for (let id = 0; id < 3001; id++) expect(accounts.userName(id)).toBe(id < 3000 ? `u${id}` : null);
    }
  });
});
