import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { libraryPaths } from "../../scripts/libraries.ts";
import { CollectRun, endedWell, type StartOptions, USUAL } from "./support/collect-run.ts";
import { expectSameEnd, storyOf } from "./support/fixture.ts";
import { BINARY, programPath, reasonOf, succeeds, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { asNobody, asRootWithout, inMounts } from "./support/places.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = reasonOf(
  whyNotHere(),
  whyNotHere() === null && !succeeds("unshare", "--mount", "true") && "needs mount namespaces",
);
const noBtf = reasonOf(reason, whyNoBtf());
const noSetpriv = reasonOf(noBtf, programPath("setpriv") === null && "needs setpriv");

const HIDE_BTF = "mount -t tmpfs tmpfs /sys/kernel/btf";

describe.skipIf(reason !== null)(titled("collect in unusual environments", reason), () => {
  /** A directory that every user may read, unlike the directory of the sources. */
  let open = "";

  beforeAll(() => {
    open = join(fixture().directory, "open");
    mkdirSync(open);
    copyFileSync(BINARY, join(open, "linnix"));
  });

  /** Starts linnix in this environment, watches a few processes, and stops linnix. */
  async function works(options: StartOptions, args: readonly string[] = USUAL) {
    await using collect = await CollectRun.start(args, options);
    const truths = await fixture().run("exec-path", [fixture().leaf, "leaf", "x"]);
    const ended = await collect.stop();
    const truth = truths.reaped("executed");
    const story = storyOf(
      ended.events.filter(({ pid }) => pid === truth.pid),
      truth,
    );
    expect(story.fork.ppid).toBe(truths.main.pid);
    expect(story.execs).toMatchObject([{ exe: fixture().leaf, comm: "leaf" }]);
    if (ended.summary.backend === "btf") {
      expectSameEnd(story.exit, truth);
      expect(story.exit.args).toEqual(["leaf", "x"]);
    }
    return ended;
  }

  /** Expects exit code 3 and one message: what failed, why, and a hint on a line of its own. Returns the message. */
  async function refuses(args: readonly string[], options: StartOptions): Promise<string> {
    const { exitCode, stderr, events, summary } = await CollectRun.toEnd(args, options);
    expect({ stderr, exitCode, events, summary }).toEqual({ stderr, exitCode: 3, events: [], summary: null });
    expect(stderr).toMatch(/^linnix: [^\n]+: [^\n]+\n {2}[^\n]+\n$/);
    return stderr;
  }

  test.skipIf(noSetpriv !== null)(titled("not root: refused, whatever the backend", noSetpriv), async () => {
    for (const backend of ["auto", "btf", "tracepoint"]) {
      const before = asNobody();
      const message = await refuses(["--backend", backend], { before, binary: join(open, "linnix") });
      expect(message).toMatch(/EPERM|EACCES|not permitted|denied/);
      expect(message).toContain("root");
    }
  });

  for (const lacking of [
    ["bpf", "perfmon", "sys_admin"],
    ["bpf", "sys_admin"],
    ["perfmon", "sys_admin"],
  ]) {
    test.skipIf(noSetpriv !== null)(titled(`root without ${lacking.join(", ")}: refused`, noSetpriv), async () => {
      const message = await refuses([], { before: asRootWithout(...lacking) });
      expect(message).toMatch(/EPERM|EACCES|not permitted|denied/);
    });
  }

  test.skipIf(noSetpriv !== null)(titled("a refused start leaves no output file", noSetpriv), async () => {
    const file = join(open, "events.jsonl");
    await refuses(["--output", file], { before: asRootWithout("bpf", "perfmon", "sys_admin") });
    expect(existsSync(file)).toBe(false);
  });

  test.skipIf(noSetpriv !== null)(
    titled("an ordinary user with CAP_BPF and CAP_PERFMON: works", noSetpriv),
    async () => {
      // Without CAP_IPC_LOCK the memory of the rings is limited.
      const args = ["--format", "jsonl", "--flush-interval", "10ms", "--ring-size", "64KiB"];
      await works({ before: asNobody("bpf", "perfmon"), binary: join(open, "linnix") }, args);
    },
  );

  test.skipIf(noBtf !== null)(titled("--user: goes on with only the privileges of that user", noBtf), async () => {
    await using collect = await CollectRun.start([...USUAL, "--user", "nobody"]);
    const status = readFileSync(`/proc/${collect.pid}/status`, "utf8");
    const nobody = String(Bun.spawnSync(["id", "-u", "nobody"]).stdout).trim();
    expect(status).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s+${nobody}\\s+${nobody}$`, "m"));
    expect(status).toMatch(/^CapPrm:\s+0+$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^CapBnd:\s+0+$/m);
    // Every thread must have dropped its capabilities: a thread that kept them could restore them.
    for (const thread of readdirSync(`/proc/${collect.pid}/task`)) {
      const ofThread = readFileSync(`/proc/${collect.pid}/task/${thread}/status`, "utf8");
      expect(ofThread).toMatch(/^CapEff:\s+0+$/m);
      expect(ofThread).toMatch(/^NoNewPrivs:\s+1$/m);
    }
    const truths = await fixture().run("crowd", [20]);
    const { events } = await collect.stop();
    for (const truth of truths.everyReaped()) expectSameEnd(storyOf(events, truth).exit, truth);
  });

  test("--user with an unknown user: refused", async () => {
    const { exitCode, stderr } = await CollectRun.toEnd([...USUAL, "--user", "no-such-user"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("no-such-user");
  });

  test("no BTF: uses the tracepoint backend, and reports that", async () => {
    const { summary, stderr } = await works({ before: inMounts(HIDE_BTF) });
    expect(summary.backend).toBe("tracepoint");
    expect(stderr).toContain("tracepoint backend");
    expect(stderr).toContain("exit_code");
  });

  test("no BTF: --backend btf is refused, and the error names the other backend", async () => {
    const message = await refuses(["--backend", "btf"], { before: inMounts(HIDE_BTF) });
    expect(message).toContain("no BTF");
    expect(message).toContain("--backend tracepoint");
  });

  // Empty directories hide tracefs wherever it is mounted here.
  const HIDE_TRACEFS =
    "{ umount -l /sys/kernel/tracing 2>/dev/null; umount -l /sys/kernel/debug 2>/dev/null; " +
    "mount -t tmpfs tmpfs /sys/kernel/tracing; }";
  const SHOW_TRACEFS = "{ umount -l /sys/kernel/tracing 2>/dev/null; mount -t tracefs tracefs /sys/kernel/tracing; }";
  const NO_PLACE = "{ umount -l /sys/kernel/tracing 2>/dev/null; umount -l /sys/kernel/debug 2>/dev/null; true; }";

  for (const [what, prepare] of [
    ["tracefs hidden", HIDE_TRACEFS],
    ["tracefs mounted nowhere", NO_PLACE],
    ["tracefs mounted", SHOW_TRACEFS],
  ] as const) {
    test(`${what}: the tracepoint backend works, and its own mount is invisible`, async () => {
      const before = inMounts(prepare);
      await using collect = await CollectRun.start([...USUAL, "--backend", "tracepoint"], { before });
      const mounted = readFileSync(`/proc/${collect.pid}/mountinfo`, "utf8").split("\n");
      expect(mounted.filter((line) => / - tracefs /.test(line))).toHaveLength(what === "tracefs mounted" ? 1 : 0);
      const truths = await fixture().run("fork");
      const { events } = await collect.stop();
      for (const truth of truths.everyReaped()) storyOf(events, truth);
    });

    test.skipIf(noBtf !== null)(titled(`${what}: the btf backend works`, noBtf), async () => {
      expect((await works({ before: inMounts(prepare) })).summary.backend).toBe("btf");
    });
  }

  for (const [what, prepare] of [
    ["noexec on /tmp", "mount -t tmpfs -o noexec tmpfs /tmp && mount -t tmpfs -o noexec tmpfs /dev/shm"],
    ["no /proc/sys", "mount -t tmpfs tmpfs /proc/sys"],
    ["an empty /etc", "mount -t tmpfs tmpfs /etc"],
    ["an empty /run and /var", "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var"],
    ["a machine whose every filesystem is read-only", "mount -o remount,bind,ro /"],
  ] as const) {
    // The place may hide the binary, for example if the source tree is in /tmp or /var.
    const isHidden = [...prepare.matchAll(/tmpfs (\/\w+)/g)].some(([, place]) => BINARY.startsWith(`${place}/`));
    test.skipIf(isHidden)(`${what}: works${isHidden ? " (the binary itself is there)" : ""}`, async () => {
      // The fixture runs outside this environment, where /tmp is unchanged.
      await works({ before: inMounts(prepare), cwd: "/" });
    });
  }

  test("a read-only working directory: works", async () => {
    const before = inMounts('mount -t tmpfs -o ro tmpfs "$1" && cd "$1"', "/mnt");
    await works({ before, cwd: "/" });
  });

  test("an empty environment: works", async () => {
    await works({ env: {} });
    await works({ before: ["env", "-i"], cwd: "/" });
  });

  test("stdin closed: works", async () => {
    await works({ before: ["sh", "-c", 'exec "$0" "$@" <&-'] });
  });

  test("too few descriptors: refused", async () => {
    await refuses([], { before: ["sh", "-c", 'ulimit -n 16; exec "$0" "$@"'] });
  });

  test("no libbpf, libelf or libz on the machine: works", async () => {
    const libraries = libraryPaths();
    expect(libraries.map((path) => basename(path)).join(" ")).toMatch(/libbpf.*libelf.*libz|libz.*libelf.*libbpf/);
    // The loader finds /dev/null in their place.
    const prepare = libraries.map((_, index) => `mount --bind /dev/null "$${index + 1}"`).join(" && ");
    await works({ before: inMounts(prepare, ...libraries) });
  });

  describe("a root with glibc and nothing else", () => {
    let root = "";

    beforeAll(() => {
      root = mkdtempSync(join(tmpdir(), "linnix-root-"));
      for (const directory of ["proc", "sys", "tmp"]) mkdirSync(join(root, directory));
      const listed = String(Bun.spawnSync(["ldd", BINARY]).stdout);
      for (const [, file] of listed.matchAll(/(\/\S+) \(0x/g)) {
        if (file === undefined) continue;
        mkdirSync(join(root, dirname(file)), { recursive: true });
        copyFileSync(file, join(root, file));
      }
      copyFileSync(BINARY, join(root, "linnix"));
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    test("works", async () => {
      const prepare = 'mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys"';
      const before = [...inMounts(prepare, root), "chroot", root];
      const { summary } = await works({ before, binary: "/linnix", cwd: "/" });
      expect(summary.lost).toBe(0);
      // linnix left no file there.
      expect(readdirSync(join(root, "tmp"))).toEqual([]);
      expect(readdirSync(root).sort()).toEqual(expect.arrayContaining(["linnix", "proc", "sys", "tmp"]));
    });
  });

  test("small and large rings: work", async () => {
    for (const size of ["4KiB", "64KiB", "16MiB"]) {
      const ended = endedWell(
        await CollectRun.toEnd(["--format", "jsonl", "--ring-size", size, "--duration", "100ms"]),
      );
      expect(ended.summary.duration_s).toBeGreaterThan(0);
    }
  });
});
