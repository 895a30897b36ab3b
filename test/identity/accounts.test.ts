import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Accounts, parseNames } from "../../src/identity/accounts.ts";

describe("passwd(5) and group(5)", () => {
  test("names by id; the first of an id counts", () => {
    const names = parseNames(
      "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
    );
    expect([...names]).toEqual([
      [0, "root"],
      [65534, "nobody"],
    ]);
  });

  test("lines that name nobody are passed over", () => {
    const text =
      "+\n+::::::\n-bad:x:5:\n# a:b:7\n:x:8:\nhalf:x\nword:x:nine:\nlarge:x:4294967295:\nmost:x:4294967294:\n\n";
    expect([...parseNames(text)]).toEqual([[4294967294, "most"]]);
  });
});

describe("the files of this machine", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "linnix-accounts-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("root is known by its name, an id without one is not", () => {
    const accounts = new Accounts();
    expect([accounts.userName(0), accounts.groupName(0)]).toEqual(["root", "root"]);
    expect([accounts.userName(3_999_999_999), accounts.groupName(3_999_999_999)]).toEqual([null, null]);
  });

  test("are read anew when they were replaced, though not at every question", async () => {
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

  test("one that is larger than anybody's is not read", () => {
    const passwd = join(folder, "huge");
    writeFileSync(passwd, `anna:x:1000:1000::/:/bin/sh\n${"#".repeat(9 * 2 ** 20)}`);
    expect(new Accounts({ passwd, group: passwd }).userName(1000)).toBeNull();
  });
});
