import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCgroupMounts } from "../../src/cgroup/cgroup-mount.ts";
import { CgroupNames, pathOfOpen } from "../../src/cgroup/cgroup-names.ts";
import { ByteWriter } from "../../src/json/byte-writer.ts";
import { Identity } from "../../src/process/identity.ts";
import { ProcessTable } from "../../src/process/table.ts";
import { recordIn } from "../../src/wire/record.ts";
import { forkRecord } from "../wire/make-record.ts";
import type { ProcessEvent } from "./support/collect-output.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import { programPath, reasonOf, succeeds, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { asNobody } from "./support/places.ts";
import { inCgroups, TestCgroup } from "./support/test-cgroup.ts";

setDefaultTimeout(60_000);

const ID = "0123456789abcdef".repeat(4);
const POD = "872d2066_00ef_48ea_a7d8_51b18b72d739";
const PODS = ["kubepods.slice", "kubepods-burstable.slice", `kubepods-burstable-pod${POD}.slice`];

const mounts = readCgroupMounts();
const noV2 = reasonOf(
  process.geteuid?.() !== 0 && "needs root",
  mounts.v2 === undefined && "the cgroup v2 hierarchy is not mounted",
);
const point = mounts.v2?.point ?? "";

const halves = (id: bigint) => [Number(id >> 32n), Number(id & 0xffffffffn)] as const;

/** Runs a command to its end, and returns its output. */
function output(...command: string[]): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { stdin: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout.toString();
}

/** A process that stays until it is killed. */
async function sleeper(...before: string[]): Promise<Bun.Subprocess<"ignore", "pipe", "inherit">> {
  const child = Bun.spawn([...before, "/bin/sh", "-c", "echo; exec sleep 1000"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  await child.stdout.getReader().read();
  return child;
}

/** File descriptors of this process that are open in the cgroup hierarchy. */
function openCgroups(): string[] {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(point);
    } catch {
      return false;
    }
  });
}

describe.skipIf(noV2 !== null)(titled("names of cgroups", noV2), () => {
  let cgroup: TestCgroup;
  beforeAll(() => {
    cgroup = new TestCgroup(point);
  });
  afterAll(async () => {
    await cgroup[Symbol.asyncDispose]();
  });

  const told = (before: string[], id: bigint, ...pids: (number | string)[]) => {
    const script = join(import.meta.dir, "support/cgroup-path.ts");
    return JSON.parse(output(...before, process.execPath, script, String(id), ...pids.map(String))) as {
      mount: { point: string; root: string };
      paths: (string | null)[];
    };
  };

  test("are found by id for the root, for cgroups with and without a process, and are null for a removed cgroup", async () => {
    using names = CgroupNames.open(mounts);
    expect(names?.pathOf(...halves(names.rootId))).toBe("/");
    const path = cgroup.make(...PODS, `cri-containerd-${ID}.scope`);
    const id = cgroup.id(path);
    expect(names?.pathOf(...halves(id))).toBe(path);
    const child = await sleeper(...inCgroups(cgroup.directory(path)));
    expect(names?.pathOf(...halves(id), child.pid)).toBe(path);
    child.kill("SIGKILL");
    await child.exited;
    expect(names?.pathOf(...halves(id), child.pid)).toBe(path);
    await cgroup.remove(path);
    expect(names?.pathOf(...halves(id))).toBeNull();
    expect(names?.pathOf(0x7fffffff, 5)).toBeNull();
  });

  test("of a cgroup that is removed during the lookup are its former names", async () => {
    const path = cgroup.make("short", `docker-${ID}.scope`);
    const fd = openSync(cgroup.directory(path), "r");
    await cgroup.remove(path);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toEndWith(".scope (deleted)");
    expect(pathOfOpen(fd, { point, root: "/" })).toBe(path);
    expect(pathOfOpen(fd, { point, root: "/../x" })).toBe(`/../x${path}`);
    closeSync(fd);
  });

  test("leave no file descriptor open", () => {
    expect(openCgroups()).toEqual([]);
    {
      using names = CgroupNames.open(mounts);
      for (let i = 0; i < 100; i++) names?.pathOf(0, 1 + i);
      expect(openCgroups()).toHaveLength(1);
      names?.close();
      expect(names?.pathOf(0, 1)).toBeNull();
    }
    expect(openCgroups()).toEqual([]);
  });

  test("are found by a process in the cgroup, or by a search, without the right to open by handle", async () => {
    const path = cgroup.make("plain", `docker-${ID}.scope`);
    const elsewhere = cgroup.make("elsewhere");
    const id = cgroup.id(path);
    const inside = await sleeper(...inCgroups(cgroup.directory(path)));
    const outside = await sleeper(...inCgroups(cgroup.directory(elsewhere)));
    expect(told(asNobody(), id, inside.pid).paths).toEqual([path]);
    // A process that has moved to another cgroup does not mislead the lookup.
    expect(told(asNobody(), id, outside.pid, 0).paths).toEqual([path, path]);
    for (const child of [inside, outside]) {
      child.kill("SIGKILL");
      await child.exited;
    }
    expect(told(asNobody(), id, 0).paths).toEqual([path]);
    await cgroup.remove(path);
    expect(told(asNobody(), id, 0).paths).toEqual([null]);
  });

  test("are the host's paths of all cgroups, also from inside a cgroup namespace", () => {
    const inside = cgroup.make("namespace", "inside");
    const around = cgroup.make("namespace");
    const namespaced = [...inCgroups(cgroup.directory(around)), "unshare", "--cgroup", "--mount"];
    // The old mount still shows the whole hierarchy.
    expect(told(namespaced, cgroup.id(inside), 0).paths[0]).toMatch(/\/inside$/);
    const remount = ["sh", "-c", 'umount -l "$0" && mount -t cgroup2 none "$0" && exec "$@"', point];
    const own = told([...namespaced, ...remount], cgroup.id(inside), 0);
    expect(own).toMatchObject({ mount: { root: "/" }, paths: [inside] });
    const paths = (id: bigint, before: string[] = []) => told([...namespaced, ...remount, ...before], id, 0).paths;
    for (const path of [cgroup.make("beside"), cgroup.make("beside", "inner"), around]) {
      expect(paths(cgroup.id(path))).toEqual([path]);
    }
    expect(paths(1n)).toEqual(["/"]);
    // Without the right to open by handle, no path is found.
    expect(paths(cgroup.id(cgroup.make("beside")), asNobody())).toEqual([null]);
  });

  test("are found by a second mount if another mount covers the first", () => {
    const inside = cgroup.make("covered");
    const cover = 'mount -t tmpfs none "$0" && mkdir "$0/below" && mount -t cgroup2 none "$0/below" && exec "$@"';
    const seen = told(["unshare", "--mount", "sh", "-c", cover, point], cgroup.id(inside), 0);
    expect(seen).toEqual({ mount: { point: `${point}/below`, root: "/" }, paths: [inside] });
  });

  test("are valid text also for a name with quotes that is not UTF-8", () => {
    using names = CgroupNames.open(mounts);
    const name = Buffer.concat([Buffer.from(`${cgroup.directory(cgroup.path)}/a"b\\c\x1b`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(name);
    try {
      using identity = new Identity(new ProcessTable({ lingerNs: 1 }));
      // Bun's stat takes text only: the shell finds the name.
      const glob = 'stat -c %i "$0"/a?b*';
      const id = BigInt(output("/bin/sh", "-c", glob, cgroup.directory(cgroup.path)).trim());
      const path = `${cgroup.path}/a"b\\c\x1b\ufffd\ufffd`;
      expect(names?.pathOf(...halves(id))).toBe(path);
      const { json } = identity.ofCgroup(...halves(id));
      const out = new ByteWriter(json.length);
      out.put(json);
      expect(JSON.parse(`{"x":0${Buffer.from(out.bytes.subarray(0, out.length))}}`)).toEqual({
        x: 0,
        cgroup: path,
      });
    } finally {
      rmdirSync(name);
    }
  });

  test("are looked up once for each cgroup, cached after its removal, and evicted if the cache is full", async () => {
    const table = new ProcessTable({ lingerNs: 1e9 });
    using identity = new Identity(table, { maxCgroups: 2 });
    const path = cgroup.make(...PODS, `crio-${ID}.scope`);
    const id = cgroup.id(path);
    const slot = table.fork(recordIn(forkRecord({ pid: 2 ** 22 + 5, start_ns: 1n, cgroup_id: id })));
    const place = {
      cgroup: path,
      container: { id: ID, runtime: "cri-o" },
      pod_uid: POD.replaceAll("_", "-"),
      unit: `crio-${ID}.scope`,
    };
    expect(identity.of(slot)).toMatchObject(place);
    await cgroup.remove(path);
    expect(identity.of(slot)).toMatchObject(place);
    expect(identity.stats()).toMatchObject({ entries: 1, limit: 2, hits: 1, misses: 1, evictions: 0 });
    for (const other of ["x", "y"]) identity.ofCgroup(...halves(cgroup.id(cgroup.make(other))));
    expect(identity.stats()).toMatchObject({ entries: 2, evictions: 1 });
    expect(identity.ofCgroup(0, 2 ** 32 - 7)).toMatchObject({ cgroup: null, container: null, unit: null });
  });

  const noCollect = whyNoBtf();
  test("are known for a cgroup that existed at the start and was removed before the first lookup", async () => {
    const path = cgroup.make(...PODS, `docker-${ID}.scope`);
    const id = cgroup.id(path);
    using identity = new Identity(new ProcessTable({ lingerNs: 1e9 }));
    identity.lookAround();
    await cgroup.remove(path);
    expect(identity.ofCgroup(...halves(id))).toMatchObject({ cgroup: path, container: { id: ID, runtime: "docker" } });
  });

  test.skipIf(noCollect !== null)(
    titled("are known for a cgroup that was made and removed before the first lookup", noCollect),
    async () => {
      using identity = new Identity(new ProcessTable({ lingerNs: 1e9 }));
      const made: { id: bigint; path: string }[] = [];
      for (let i = 0; i < 300; i++) {
        const path = cgroup.make("short", `docker-${i.toString(16).padStart(64, "0")}.scope`);
        made.push({ id: cgroup.id(path), path });
        await cgroup.remove(path);
      }
      const long = cgroup.make("short", "x".repeat(250), "y".repeat(250));
      const longId = cgroup.id(long);
      await cgroup.remove(long);
      expect(identity.ofCgroup(...halves(longId))).toMatchObject({ cgroup: null });
      const told = made.map(({ id }) => identity.ofCgroup(...halves(id)).cgroup);
      // Newer names have replaced the oldest names; all reported names are right.
      for (const [i, path] of told.entries()) if (path !== null) expect(path).toBe(made[i]?.path as string);
      expect(told.slice(-200)).toEqual(made.slice(-200).map(({ path }) => path));
    },
  );

  test.skipIf(noCollect !== null)(
    titled("are known to a daemon at its first request, after the process and its cgroup are gone", noCollect),
    async () => {
      const socket = join(mkdtempSync(join(tmpdir(), "linnix-identity-")), "api.sock");
      // Processes outside this cgroup are filtered, so that other tests evict nothing.
      const filter = ["--cgroup", cgroup.path];
      await using _daemon = await CollectRun.start(["--format", "none", "--listen", `unix:${socket}`, ...filter]);
      const path = cgroup.make(`docker-${ID}.scope`);
      const child = Bun.spawn([...inCgroups(cgroup.directory(path)), "sh", "-c", "/bin/true; :"], { stdin: "ignore" });
      await child.exited;
      // linnix reads the events meanwhile.
      await Bun.sleep(2500);
      await cgroup.remove(path);
      // These are more cgroups than the kernel side has room for.
      for (let i = 0; i < 300; i++) await cgroup.remove(cgroup.make(`other-${i}`));
      const answer = await fetch(`http://localhost/processes/${child.pid}`, { unix: socket });
      expect(await answer.json()).toMatchObject({ state: "exited", cgroup: path, container: { id: ID } });
      rmSync(join(socket, ".."), { recursive: true });
    },
  );

  test.skipIf(noCollect !== null)(
    titled("are in events, if linnix is in a cgroup namespace with its own mount", noCollect),
    async () => {
      const around = cgroup.make("foreign");
      const before = cgroup.make("foreign-before", `docker-${ID}.scope`);
      const child = await sleeper(...inCgroups(cgroup.directory(before)));
      const remount = 'umount -l "$0" && mount -t cgroup2 none "$0" && exec "$@"';
      const enter = [
        ...inCgroups(cgroup.directory(around)),
        "unshare",
        "--cgroup",
        "--mount",
        "sh",
        "-c",
        remount,
        point,
      ];
      await using collect = await CollectRun.start(USUAL, { before: enter });
      expect(collect.stderr).not.toContain("unknown outside of this cgroup namespace");
      child.kill("SIGKILL");
      const container = { id: ID, runtime: "docker" } as const;
      const end = await collect.event(
        "the end of one from before",
        ({ pid, type }) => pid === child.pid && type === "exit",
      );
      expect(end).toMatchObject({ cgroup: before, container, unit: `docker-${ID}.scope` });
      const after = cgroup.make("foreign-after", `docker-${ID}.scope`);
      output(...inCgroups(cgroup.directory(after)), "/bin/true", "after");
      const exec = await collect.event("an exec", (event) => event.type === "exec" && event.args?.[1] === "after");
      expect(exec).toMatchObject({ cgroup: after, container });
      await collect.stop();
      await using blind = await CollectRun.start(USUAL, {
        before: [...enter, "setpriv", "--bounding-set", "-dac_read_search", "--inh-caps", "-dac_read_search"],
      });
      expect(blind.stderr).toContain("unknown outside of this cgroup namespace");
      expect(blind.stderr).toContain("--cgroupns=host");
      await blind.stop();
    },
  );

  test.skipIf(noCollect !== null)(
    titled("are in events of processes in a pid namespace and of their children", noCollect),
    async () => {
      const path = cgroup.make(...PODS, `docker-${ID}.scope`);
      await using collect = await CollectRun.start(USUAL);
      output(...inCgroups(cgroup.directory(path)), "unshare", "--pid", "--fork", "sh", "-c", "/bin/true; :");
      const id = cgroup.id(path);
      await collect.event(
        "the exit of true",
        ({ type, comm, cgroup_id }) => type === "exit" && comm === "true" && cgroup_id === id,
      );
      const { events } = await collect.stop();
      const inside = events.filter(({ cgroup_id }) => cgroup_id === id);
      expect(inside.length).toBeGreaterThanOrEqual(6);
      for (const event of inside) {
        expect(event).toMatchObject({
          cgroup: path,
          container: { id: ID, runtime: "docker" },
          unit: `docker-${ID}.scope`,
        });
      }
      expect(inside.some(({ pid, ns_pid }) => ns_pid !== pid)).toBe(true);
      // A process in another cgroup is reported there.
      for (const event of events) if (event.cgroup_id !== id) expect(event.cgroup).not.toBe(path);
    },
  );
});

const v1Point = "/sys/fs/cgroup/pids";
const noV1 = reasonOf(whyNotHere(), !(mounts.hasV1 && hasV1Pids()) && "there is no cgroup v1 hierarchy of pids");

function hasV1Pids(): boolean {
  try {
    return readdirSync(v1Point).includes("cgroup.sane_behavior");
  } catch {
    return false;
  }
}

describe.skipIf(noV1 !== null)(titled("cgroup v1", noV1), () => {
  /** Rings are read so seldom that /proc no longer has the process. */
  const SELDOM = ["--format", "jsonl", "--flush-interval", "2s", "--ring-size", "4MiB", "--sample-interval", "0"];

  test("a container in a v1 hierarchy only is known from /proc, and its descendants inherit it", async () => {
    await using cgroup = new TestCgroup(v1Point);
    const path = cgroup.make("docker", ID);
    const container = { id: ID, runtime: "docker" } as const;
    await using collect = await CollectRun.start(USUAL);
    // As in a container runtime, the child is forked, moved, and only then executes the namespace's first program.
    const shell = ["unshare", "--pid", "--fork", "sh", "-c", "sleep 1; /bin/true; /bin/true; :"];
    output(...inCgroups(cgroup.directory(path)), ...shell);
    const ends: ProcessEvent[] = [];
    const isInside = (event: ProcessEvent) => "container" in event && event.container?.id === ID;
    await collect.event("two exits of true", (event) => {
      if (event.type === "exit" && event.comm === "true" && isInside(event)) ends.push(event);
      return ends.length === 2;
    });
    const { events } = await collect.stop();
    const pids = new Set(ends.map(({ pid }) => pid));
    for (const event of events.filter(({ pid }) => pids.has(pid))) {
      expect(event).toMatchObject({ cgroup: path, container });
    }
    // No other process is reported in the container.
    const family = events.filter(isInside).map(({ pid }) => pid);
    expect(new Set(family).size).toBeLessThanOrEqual(5);
  });

  test.skipIf(whyNoBtf() !== null)(
    titled(
      "a container that is gone before its events are read is known from its move, also for descendants",
      whyNoBtf(),
    ),
    async () => {
      await using cgroup = new TestCgroup(v1Point);
      const path = cgroup.make("docker", ID);
      const plain = cgroup.make("plain");
      const container = { id: ID, runtime: "docker" } as const;
      await using collect = await CollectRun.start(SELDOM);
      output(...inCgroups(cgroup.directory(path)), "sh", "-c", "/bin/true child; (/bin/true grandchild); :");
      // Another process moves it there after it has had a child: the child stays in the old cgroup.
      const script = "/bin/true early; echo; read line; /bin/true late; exec /bin/true itself";
      const moved = Bun.spawn(["sh", "-c", script], { stdin: "pipe", stdout: "pipe" });
      await moved.stdout.getReader().read();
      writeFileSync(`${cgroup.directory(path)}/cgroup.procs`, String(moved.pid));
      moved.stdin.write("on\n");
      await moved.stdin.end();
      await moved.exited;
      // A process in another cgroup is not reported in the container.
      output(...inCgroups(cgroup.directory(plain)), "/bin/true", "elsewhere");
      const last = output("/bin/sh", "-c", "echo $$; /bin/true last").trim();
      await collect.event("the last exit", ({ type, pid }) => type === "exit" && pid === Number(last));
      const { events } = await collect.stop();
      const inside = (word: string) => {
        const exec = events.find((event) => event.type === "exec" && event.args?.[1] === word);
        return events.filter(({ pid }) => pid === exec?.pid).map(({ type, ...event }) => [type, event.container?.id]);
      };
      for (const word of ["child", "grandchild", "late"])
        expect(inside(word)).toEqual(["fork", "exec", "exit"].map((t) => [t, ID]));
      expect(inside("itself").slice(-2)).toEqual(["exec", "exit"].map((type) => [type, ID]));
      for (const word of ["early", "elsewhere", "last"]) {
        expect(inside(word).length).toBeGreaterThanOrEqual(2);
        for (const [, id] of inside(word)) expect(id).toBeUndefined();
      }
      const told = events.filter((event) => event.container);
      for (const event of told) expect(event).toMatchObject({ cgroup: path, container });
    },
  );

  test.skipIf(whyNoBtf() !== null)(
    titled(
      "a move into or out of a unit is known at the next event, even if the process is gone at the lookup",
      whyNoBtf(),
    ),
    async () => {
      await using cgroup = new TestCgroup(v1Point);
      const [plain, other, service] = ["plain", "other", "linnix-test.service"].map((name) => cgroup.make(name));
      const way = [plain, service, other, ""].map((path) => cgroup.directory(path ?? ""));
      await using collect = await CollectRun.start(SELDOM);
      const script = 'for to; do echo $$ > "$to/cgroup.procs"; /bin/true "$to"; done';
      output("/bin/sh", "-c", script, "sh", ...way);
      await collect.event("the last exec", (event) => event.type === "exec" && event.args?.[1] === v1Point);
      const { events } = await collect.stop();
      const execs = way.map((to) => events.find((event) => event.type === "exec" && event.args?.[1] === to));
      expect(execs.slice(0, 3).map((exec) => exec?.cgroup)).toEqual([plain, service, other] as string[]);
      expect(execs[3]?.cgroup).not.toContain(cgroup.path);
      expect(execs.map((exec) => exec?.unit)).toEqual([undefined, "linnix-test.service", undefined, undefined]);
    },
  );

  test.skipIf(noV2 !== null)(
    titled("a v2 cgroup without a known name is not taken for the parent's v1", noV2),
    async () => {
      await using v1 = new TestCgroup(v1Point);
      await using v2 = new TestCgroup(point);
      const service = v1.directory(v1.make("linnix-test.service"));
      await using collect = await CollectRun.start(SELDOM);
      // The name is too long for the kernel side.
      const long = v2.make("x".repeat(250), "y".repeat(250));
      const script = `/bin/true beside; sh -c 'echo $$ > "$0/cgroup.procs"; exec /bin/true gone' "$0"; :`;
      const id = v2.id(long);
      output(...inCgroups(service), "sh", "-c", script, v2.directory(long));
      await v2.remove(long);
      await collect.event("its exit", ({ type, cgroup_id }) => type === "exit" && cgroup_id === id);
      const { events } = await collect.stop();
      const beside = events.find((event) => event.type === "exec" && event.args?.[1] === "beside");
      expect(beside).toMatchObject({ unit: "linnix-test.service" });
      const gone = events.filter(({ cgroup_id }) => cgroup_id === id);
      expect(gone.map(({ cgroup, unit }) => [cgroup, unit])).toEqual(gone.map(() => [undefined, undefined]));
    },
  );

  test("a path without container or unit is reported as it is, until the process leaves it", async () => {
    await using cgroup = new TestCgroup(v1Point);
    const path = cgroup.make("plain");
    await using collect = await CollectRun.start(USUAL);
    const script = 'echo; for to; do echo $$ > "$to/cgroup.procs"; sleep 1.5; /bin/true "$to"; done';
    output("/bin/sh", "-c", script, "sh", cgroup.directory(path), v1Point);
    await collect.event("the last exec", (event) => event.type === "exec" && event.args?.[1] === v1Point);
    const { events } = await collect.stop();
    const told = (to: string) => events.find((event) => event.type === "exec" && event.args?.[1] === to)?.cgroup;
    // After the move, the path may be this test's own cgroup in another hierarchy.
    expect([told(cgroup.directory(path)), told(v1Point)]).toEqual([path, expect.not.stringContaining(path)]);
  });

  test("a process that leaves a container is no longer reported in it", async () => {
    await using cgroup = new TestCgroup(v1Point);
    const inside = cgroup.directory(cgroup.make("docker", ID));
    const service = cgroup.make("linnix-test.service");
    await using collect = await CollectRun.start(USUAL);
    const script =
      'for to; do echo $$ > "$to/cgroup.procs"; /bin/true "$to"; sleep 1.5; /bin/true "$to" late; done; exec /bin/true end';
    const way = [inside, cgroup.directory(service), v1Point];
    output("/bin/sh", "-c", script, "sh", ...way);
    await collect.event("the last exec", (event) => event.type === "exec" && event.args?.[1] === "end");
    const { events } = await collect.stop();
    const placed = way.map((to) => {
      const exec = events.find((event) => event.type === "exec" && event.args?.[1] === to && event.args[2] === "late");
      return [exec?.container?.id, exec?.unit];
    });
    expect(placed).toEqual([
      [ID, undefined],
      [undefined, "linnix-test.service"],
      [undefined, undefined],
    ]);
    const end = events.find((event) => event.type === "exec" && event.args?.[1] === "end");
    expect([end?.container, end?.unit]).toEqual([undefined, undefined]);
  });

  test("a short-lived child of a container's process is in the container, if the process started before the run", async () => {
    await using cgroup = new TestCgroup(v1Point);
    const path = cgroup.make("docker", ID);
    const script = "while read line; do /bin/true there; done";
    const parent = Bun.spawn([...inCgroups(cgroup.directory(path)), "sh", "-c", script], { stdin: "pipe" });
    await until("it to be there", () => readFileSync(`/proc/${parent.pid}/cgroup`, "utf8").includes(ID));
    await using collect = await CollectRun.start(SELDOM);
    parent.stdin.write("\n");
    await parent.stdin.flush();
    const { pid } = await collect.event("the exec", (event) => event.type === "exec" && event.args?.[1] === "there");
    await collect.event("its exit", (event) => event.type === "exit" && event.pid === pid);
    await parent.stdin.end();
    await parent.exited;
    const { events } = await collect.stop();
    const own = events.filter((event) => event.pid === pid);
    expect(own.map(({ type, container }) => [type, container?.id])).toEqual(
      ["fork", "exec", "exit"].map((type) => [type, ID]),
    );
  });

  test.skipIf(whyNoBtf() !== null)(
    titled(
      "a move is known that was read before the fork of the moved process, which is gone at the lookup",
      whyNoBtf(),
    ),
    async () => {
      await using cgroup = new TestCgroup(v1Point);
      const path = cgroup.make("docker", ID);
      const table = new ProcessTable({ lingerNs: 1e9 });
      using identity = new Identity(table);
      const known = table.seed(recordIn(forkRecord({ pid: process.pid, start_ns: 1n, cgroup_id: 1n })));
      const child = await sleeper(...inCgroups(cgroup.directory(path)));
      child.kill("SIGKILL");
      await child.exited;
      expect(identity.of(known).container).toBeNull();
      // The start time is unknown here, so it is not compared.
      const late = table.seed(recordIn(forkRecord({ pid: child.pid, start_ns: 0n, cgroup_id: 1n })));
      expect(identity.of(late)).toMatchObject({ cgroup: path, container: { id: ID, runtime: "docker" } });
      expect(identity.lostMoves).toBe(0);
    },
  );

  test("the container of a running process is known without an event of it", async () => {
    await using cgroup = new TestCgroup(v1Point);
    const path = cgroup.make("kubepods", `pod${POD.replaceAll("_", "-")}`, ID);
    const child = await sleeper(...inCgroups(cgroup.directory(path)));
    const table = new ProcessTable({ lingerNs: 1e9 });
    using identity = new Identity(table);
    const seeded = table.seed(recordIn(forkRecord({ pid: child.pid, start_ns: 1n, cgroup_id: 1n })));
    expect(identity.of(seeded)).toMatchObject({
      cgroup: path,
      container: { id: ID, runtime: "containerd" },
      pod_uid: POD.replaceAll("_", "-"),
    });
    child.kill("SIGKILL");
    await child.exited;
    // The container is known as long as the table has the process.
    expect(identity.of(seeded)).toMatchObject({ cgroup: path });
    const born = table.fork(recordIn(forkRecord({ pid: 5, ppid: child.pid, start_ns: 2n, cgroup_id: 1n })));
    expect(identity.of(born)).toMatchObject({ cgroup: path });
  });
});

const runc = programPath("runc");
const busybox = programPath("busybox");
const noRunc = reasonOf(
  whyNoBtf(),
  runc === null && "needs runc",
  (busybox === null || succeeds("ldd", busybox)) && "needs a static busybox",
);

describe.skipIf(noRunc !== null)(titled("a real container runtime", noRunc), () => {
  test("every exec of a short-lived container is reported in it, by cgroup v1 or v2", async () => {
    const folder = mkdtempSync(join(tmpdir(), "linnix-runc-"));
    using scope = new DisposableStack();
    scope.defer(() => rmSync(folder, { recursive: true, force: true }));
    const id = [...crypto.getRandomValues(new Uint8Array(32))]
      .map((byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    mkdirSync(join(folder, "rootfs"));
    copyFileSync(busybox as string, join(folder, "rootfs/busybox"));
    output(runc as string, "spec", "--bundle", folder);
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    config.process.args = ["/busybox", "sh", "-c", "/busybox true inside; :"];
    config.process.terminal = false;
    config.linux.cgroupsPath = `/${id}`;
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    const args = ["--format", "jsonl", "--flush-interval", "2s", "--ring-size", "4MiB", "--sample-interval", "0"];
    await using collect = await CollectRun.start(args);
    output(runc as string, "run", "--bundle", folder, `linnix-${id.slice(0, 12)}`);
    const isOfContainer = (event: ProcessEvent) => event.container?.id === id;
    await collect.event("its end", (event) => event.type === "exit" && event.ns_pid === 1 && isOfContainer(event));
    const { events } = await collect.stop();
    const inside = events.filter(isOfContainer);
    for (const event of inside) expect(event).toMatchObject({ cgroup: `/${id}`, container: { runtime: "docker" } });
    // runc executes itself again as `runc init`, inside or outside the container's cgroup.
    const executed = inside.flatMap((event) =>
      event.type === "exec" && event.args?.[1] !== "init" ? [event.args?.slice(1, 3)] : [],
    );
    expect(executed).toEqual([
      ["sh", "-c"],
      ["true", "inside"],
    ]);
    expect(inside.filter(({ type, comm }) => type === "exit" && comm === "busybox")).toHaveLength(2);
  });
});
