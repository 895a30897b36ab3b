import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { CgroupSubtree } from "../../src/cgroup/cgroup-subtree.ts";
import { reasonOf, titled } from "./support/needs.ts";
import { asNobody } from "./support/places.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(60_000);

const mount = cgroup2Mount() ?? "";
const reason = reasonOf(process.geteuid?.() !== 0 && "needs root", !mount && "the cgroup v2 hierarchy is not mounted");

/** A process that stays until it is killed. */
async function sleeper(directory: string): Promise<Bun.Subprocess> {
  const command = [...inCgroups(directory), "/bin/sh", "-c", "echo; exec sleep 1000"];
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  await child.stdout.getReader().read();
  return child;
}

function openCgroups(): string[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(mount);
    } catch {
      return false;
    }
  });
}

describe.skipIf(reason !== null)(titled("the subtree of a cgroup", reason), () => {
  let cgroup: TestCgroup;
  beforeAll(() => {
    cgroup = new TestCgroup(mount);
  });
  afterAll(async () => {
    await cgroup[Symbol.asyncDispose]();
  });
  const idOf = (...names: string[]) => cgroup.id(cgroup.make(...names));

  test.each(["path", "id"])("given by %s contains the cgroup and its descendants, and no other cgroup", (by) => {
    const path = cgroup.make("wanted");
    const inside = [idOf("wanted"), idOf("wanted", "inner"), idOf("wanted", "inner", "most")];
    const outside = [idOf("beside"), idOf("beside", "inner"), idOf("wanted-not"), idOf("wanted-not", "inner")];
    const above = [cgroup.id(cgroup.path), cgroup.id("")];
    using subtree = new CgroupSubtree(by === "path" ? { path } : { id: cgroup.id(path) });
    // The second answer comes from the cache, and is the same.
    for (let i = 0; i < 2; i++) {
      expect(inside.map((id) => subtree.has(id))).toEqual([true, true, true]);
      expect(outside.map((id) => subtree.has(id))).toEqual([false, false, false, false]);
      expect(above.map((id) => subtree.has(id))).toEqual([false, false]);
    }
  });

  test("contains a cgroup as soon as it is made, also after earlier lookups", async () => {
    using subtree = new CgroupSubtree({ path: cgroup.make("later") });
    for (let i = 0; i < 100; i++) {
      expect(subtree.has(idOf("later", `in-${i}`))).toBe(true);
      expect(subtree.has(idOf("elsewhere", `in-${i}`))).toBe(false);
    }
    expect(subtree.has(idOf("later", ...Array.from({ length: 70 }, (_, i) => `d${i}`)))).toBe(true);
  });

  test("contains a removed cgroup only if it was looked up before its removal", async () => {
    using subtree = new CgroupSubtree({ path: cgroup.make("gone") });
    const [asked, other] = [cgroup.make("gone", "asked"), cgroup.make("gone", "other")];
    const [askedId, otherId] = [cgroup.id(asked), cgroup.id(other)];
    expect(subtree.has(askedId)).toBe(true);
    await cgroup.remove(asked);
    await cgroup.remove(other);
    expect([subtree.has(askedId), subtree.has(otherId)]).toEqual([true, false]);
  });

  test.each([
    ["path", true],
    ["id", false],
  ])("given by %s contains a cgroup made again under the same path: %p", async (by, isMeant) => {
    const path = cgroup.make("again");
    using subtree = new CgroupSubtree(by === "path" ? { path } : { id: cgroup.id(path) });
    await cgroup.remove(path);
    expect(subtree.has(idOf("again"))).toBe(isMeant);
    expect(subtree.has(idOf("again", "inner"))).toBe(isMeant);
    expect(subtree.has(idOf("again-not"))).toBe(false);
    await cgroup.remove(cgroup.make("again", "inner"));
    await cgroup.remove(path);
  });

  test("of the root contains every cgroup", () => {
    using subtree = new CgroupSubtree({ path: "/" });
    expect([subtree.has(cgroup.id("")), subtree.has(idOf("any", "inner"))]).toEqual([true, true]);
    // No such cgroup.
    expect(subtree.has(2n ** 62n)).toBe(false);
  });

  test("answers correctly for more ids than its cache has room for", () => {
    using subtree = new CgroupSubtree({ path: cgroup.make("crowd") });
    const [inside, outside] = [idOf("crowd", "inner"), idOf("beside")];
    for (let i = 0n; i < 70_000n; i++) {
      subtree.has(2n ** 50n + i);
      if (i % 1000n === 0n) expect([subtree.has(inside), subtree.has(outside)]).toEqual([true, false]);
    }
    expect(subtree.has(idOf("crowd", "late"))).toBe(true);
  });

  test("contains a process that is in it now", async () => {
    using subtree = new CgroupSubtree({ path: cgroup.make("process") });
    const inside = await sleeper(cgroup.directory(cgroup.make("process", "inner")));
    const outside = await sleeper(cgroup.directory(cgroup.make("beside")));
    expect([subtree.hasProcess(inside.pid), subtree.hasProcess(outside.pid)]).toEqual([true, false]);
    inside.kill("SIGKILL");
    outside.kill("SIGKILL");
    await inside.exited;
    expect(subtree.hasProcess(inside.pid)).toBe(false);
  });

  test("knows earlier cgroups, and the cgroup of a process, without the right to open by handle", async () => {
    const path = cgroup.make("plain");
    const made = [idOf("plain", "before"), idOf("beside")];
    const script = `
      import { CgroupSubtree } from "${join(import.meta.dir, "../../src/cgroup/cgroup-subtree.ts")}";
      using subtree = new CgroupSubtree({ path: "${path}" });
      console.log(JSON.stringify([${made.map((id) => `${id}n`)}].map((id) => subtree.has(id))));
      for await (const line of console) {
        const [id, pid] = line.split(" ");
        console.log(JSON.stringify(subtree.has(BigInt(id), Number(pid))));
      }
    `;
    await using child = Bun.spawn([...asNobody(), process.execPath, "-e", script], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const answer = async () => JSON.parse((await reader.read()).value ?? "null");
    expect(await answer()).toEqual([true, false]);
    // These cgroups are made after the subtree has listed all cgroups.
    for (const [place, isBelow] of [["plain", true] as const, ["beside", false] as const]) {
      const late = cgroup.make(place, "late");
      const inside = await sleeper(cgroup.directory(late));
      child.stdin.write(`${cgroup.id(late)} ${inside.pid}\n`);
      await child.stdin.flush();
      expect(await answer()).toBe(isBelow);
      inside.kill("SIGKILL");
    }
    await child.stdin.end();
  });

  test("leaves no file descriptor open", () => {
    expect(openCgroups()).toEqual([]);
    {
      using subtree = new CgroupSubtree({ path: cgroup.path });
      for (let i = 0n; i < 100n; i++) subtree.has(i);
      expect(openCgroups()).toHaveLength(1);
    }
    expect(openCgroups()).toEqual([]);
  });
});
