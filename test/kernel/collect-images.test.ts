import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecEvent } from "./support/collect-output.ts";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import type { Story } from "./support/fixture.ts";
import { succeeds, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useCollector, useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = whyNoBtf();

/** The expected text of the fixture's argument lists; test/fixtures/process/images.c has them as bytes. */
const ARGUMENTS: [kind: string, args: string[]][] = [
  ["one", ["only"]],
  ["empty-last", ["leaf", "a", ""]],
  ["empty-middle", ["leaf", "", "", "b"]],
  ["all-empty", ["", "", ""]],
  ["newlines", ["leaf", "two\nlines\r\n", "\n", "tab\there"]],
  ["controls", ["leaf", "\x1b[31mred\x1b[0m\x07", "\x01\x1f\x7f", "\u009b"]],
  ["json", ["leaf", 'say "hi"', "back\\slash", '{"pid":1}', "</script>"]],
  ["utf-8", ["leaf", "Grüße", "🐧", "日本語"]],
  // One U+FFFD stands for each maximal part of an invalid sequence.
  ["not-utf-8", ["leaf", "\ufffd\ufffd", "a\ufffd", "\ufffd\ufffd\ufffdz", "\ufffd", "\ufffd\ufffd"]],
];

/** The arguments that MANY of test/fixtures/process/images.c makes. */
const MANY = Array.from({ length: 5000 }, (_, index) => String(index));

/** The only exec among the events of a process. */
function onlyExec({ execs }: Story): ExecEvent {
  expect(execs).toHaveLength(1);
  return execs[0] as ExecEvent;
}

/** Bytes of path and arguments as the kernel keeps them: each argument ended by NUL. */
function argsBytes(args: readonly string[]): number {
  return args.reduce((sum, arg) => sum + Buffer.byteLength(arg) + 1, 0);
}

describe.skipIf(reason !== null)(titled("arguments", reason), () => {
  const collect = useCollector();

  for (const [kind, args] of ARGUMENTS) {
    test(kind, async () => {
      const { leaf } = fixture();
      const watched = await fixture().watched(collect(), "exec-args", leaf, kind);
      const story = watched.reaped("executed");
      expect(onlyExec(story)).toMatchObject({ exe: leaf, args, args_truncated: false, comm: "leaf" });
      expect(story.exit).toMatchObject({ exe: leaf, args, args_truncated: false, comm: "leaf" });
      // The process itself received the same arguments.
      expect(watched.truths.self("leaf")).toMatchObject({ exe: leaf, args });
    });
  }

  test("an empty list: reported as the kernel replaces it", async () => {
    const { leaf } = fixture();
    const watched = await fixture().watched(collect(), "exec-args", leaf, "none");
    // Since Linux 5.18 the kernel passes one empty argument (dcd46d897adb); earlier kernels pass none.
    const { args } = watched.truths.self("leaf");
    const story = watched.reaped("executed");
    expect(onlyExec(story)).toMatchObject({ exe: leaf, args, args_truncated: false });
    expect(story.exit.args).toEqual(args);
  });

  test("five thousand arguments are cut, and marked as truncated", async () => {
    const { leaf } = fixture();
    const watched = await fixture().watched(collect(), "exec-args", leaf, "many");
    const story = watched.reaped("executed");
    const exec = onlyExec(story);
    expect(exec).toMatchObject({ exe: leaf, args_truncated: true });
    expectCut(exec.args, MANY, 2048);
    expect(story.exit).toMatchObject({ args: exec.args, args_truncated: true });
  });

  test("an argument of a hundred thousand bytes is cut, and marked as truncated", async () => {
    const { leaf } = fixture();
    const watched = await fixture().watched(collect(), "exec-args", leaf, "long");
    const exec = onlyExec(watched.reaped("executed"));
    expect(exec.args_truncated).toBe(true);
    expectCut(exec.args, ["leaf", "x".repeat(100_000), "behind"], 2048);
  });

  test("the output is valid, and no record is lost", async () => {
    expect((await collect().stop()).summary.lost).toBe(0);
  });
});

/** The arguments cut at exactly that many bytes of the kernel's own form. */
function expectCut(args: string[] | null, whole: readonly string[], bytes: number): void {
  const text = whole.map((arg) => `${arg}\0`).join("");
  const kept = text.slice(0, bytes);
  expect(args).toEqual(kept.endsWith("\0") ? kept.slice(0, -1).split("\0") : kept.split("\0"));
}

describe.skipIf(reason !== null)(titled("--max-args", reason), () => {
  test("15KiB: five thousand arguments in 24 KiB are cut at 15 KiB, a hundred are not cut", async () => {
    const { leaf } = fixture();
    await using collect = await CollectRun.start([...USUAL, "--max-args", "15KiB"]);
    const exec = onlyExec((await fixture().watched(collect, "exec-args", leaf, "many")).reaped("executed"));
    expect(exec.args_truncated).toBe(true);
    expectCut(exec.args, MANY, 15 * 1024);
    const hundred = MANY.slice(0, 100);
    const whole = onlyExec((await fixture().watched(collect, "exec-path", leaf, ...hundred)).reaped("executed"));
    expect(whole).toMatchObject({ args: hundred, args_truncated: false });
    await collect.stop();
  });

  test("the exact size of the arguments cuts nothing; one byte less cuts them", async () => {
    const { leaf } = fixture();
    const args = ["leaf", "x".repeat(100), "last"];
    const bytes = argsBytes(args);
    for (const [limit, isCut] of [
      [bytes, false],
      [bytes - 1, true],
    ] as const) {
      await using collect = await CollectRun.start([...USUAL, "--max-args", String(limit)]);
      const exec = onlyExec((await fixture().watched(collect, "exec-path", leaf, ...args)).reaped("executed"));
      expect(exec).toMatchObject({ exe: leaf, args, args_truncated: isCut });
      await collect.stop();
    }
  });

  test("a character that is cut in the middle becomes U+FFFD", async () => {
    const { leaf } = fixture();
    const limit = argsBytes(["leaf"]) + 3;
    await using collect = await CollectRun.start([...USUAL, "--max-args", String(limit)]);
    const exec = onlyExec((await fixture().watched(collect, "exec-path", leaf, "leaf", "🐧")).reaped("executed"));
    expect(exec).toMatchObject({ exe: leaf, args: ["leaf", "\ufffd"], args_truncated: true });
    await collect.stop();
  });

  test("0: no arguments are reported, but the path is", async () => {
    const { leaf } = fixture();
    await using collect = await CollectRun.start([...USUAL, "--max-args", "0"]);
    const story = (await fixture().watched(collect, "exec-path", leaf, "leaf")).reaped("executed");
    const image = { exe: leaf, exe_truncated: false, args: [], args_truncated: true, comm: "leaf" };
    expect(onlyExec(story)).toMatchObject(image);
    expect(story.exit).toMatchObject({ ...image, exit_code: 0 });
    await collect.stop();
  });
});

describe.skipIf(reason !== null)(titled("the executable", reason), () => {
  const collect = useCollector();
  let place = "";

  beforeAll(() => {
    place = join(fixture().directory, "place");
    mkdirSync(place);
  });

  /** A copy of the leaf under another name. */
  function copyOfLeaf(...path: string[]): string {
    const copy = join(place, ...path);
    mkdirSync(join(copy, ".."), { recursive: true });
    copyFileSync(fixture().leaf, copy);
    return copy;
  }

  test("run by a relative path: has its absolute path, and the argument as given", async () => {
    copyOfLeaf("sub", "relative");
    const watched = await fixture().watched(collect(), "exec-in", place, "./sub/../sub/relative", "./relative");
    const exe = join(place, "sub/relative");
    const story = watched.reaped("executed");
    expect(onlyExec(story)).toMatchObject({ exe, args: ["./relative"], comm: "relative" });
    expect(story.exit).toMatchObject({ exe, args: ["./relative"] });
  });

  test("run by a symbolic link: has the path of the target, and the name of the link", async () => {
    symlinkSync(fixture().leaf, join(place, "link"));
    const watched = await fixture().watched(collect(), "exec-path", join(place, "link"), "link");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe: fixture().leaf, args: ["link"], comm: "link" });
  });

  test("of a script: is the interpreter, with the interpreter's arguments", async () => {
    const script = join(place, "script with a space");
    writeFileSync(script, `#!${fixture().leaf} one option\n`, { mode: 0o755 });
    const watched = await fixture().watched(collect(), "exec-path", script, "ignored", "argument");
    const args = [fixture().leaf, "one option", script, "argument"];
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({
      exe: fixture().leaf,
      args,
      comm: "script with a s",
    });
    expect(watched.truths.self("leaf").args).toEqual(args);
  });

  test("with a name that is longer than a comm: has its whole path", async () => {
    const exe = copyOfLeaf("a-name-of-more-than-fifteen-bytes");
    const watched = await fixture().watched(collect(), "exec-path", exe, "x");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, comm: "a-name-of-more-" });
  });

  test("with special characters in its path", async () => {
    const exe = copyOfLeaf('new\nline "quoted" (paren) \\back', "Grüße\x1b[1m");
    const watched = await fixture().watched(collect(), "exec-path", exe, "x");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, comm: "Grüße\x1b[1m" });
  });

  test.each([30, 60, 400])("with a path of %i components", async (count) => {
    const depth = place.split("/").length - 1;
    const exe = copyOfLeaf(...Array.from({ length: count - 1 - depth }, () => "d"), "leaf");
    expect(exe.split("/").length - 1).toBe(count);
    const watched = await fixture().watched(collect(), "exec-path", exe, "deep", "down");
    const story = watched.reaped("executed");
    const image = { exe, args: ["deep", "down"], args_truncated: false, comm: "leaf" };
    expect(onlyExec(story)).toMatchObject(image);
    expect(story.exit).toMatchObject(image);
  });

  // Each file is created folder by folder, because no path of more than 4 KiB can be opened.
  test.each([
    ["just longer than its share", ["d".repeat(250), "d".repeat(250), "d".repeat(250), "e".repeat(250)]],
    ["five levels of long names", Array.from({ length: 5 }, (_, i) => `${i}`.repeat(250))],
    ["more than 4 KiB", Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(250))],
    ["1,500 levels", Array.from({ length: 1500 }, (_, i) => String(i % 10))],
  ])("with a path that is too long: the end of the path and all arguments are reported: %s", async (_, levels) => {
    const name = "a-leaf-of-a-long-path";
    let at = place;
    const descend = `import os, sys
at = os.open(sys.argv[1], os.O_PATH)
for name in sys.argv[3].split("/"):
    try: os.mkdir(name, dir_fd=at)
    except FileExistsError: pass
    at = os.open(name, os.O_PATH, dir_fd=at)
os.fchdir(at)
import shutil
shutil.copy(sys.argv[2], sys.argv[4])
pid = os.fork()
if pid == 0: os.execv("./" + sys.argv[4], ["short", "--and-what-it-does"])
print(pid); os.waitpid(pid, 0)`;
    const run = Bun.spawnSync(["python3", "-c", descend, at, "/bin/true", levels.join("/"), name]);
    expect(run.stderr.toString()).toBe("");
    const pid = Number(run.stdout.toString());
    at = join(place, levels.join("/"), name);
    const exec = await collect().event("the exec", (event) => event.type === "exec" && event.pid === pid);
    const exit = await collect().event("the exit", (event) => event.type === "exit" && event.pid === pid);
    const image = {
      exe: at.slice(-256),
      exe_truncated: true,
      args: ["short", "--and-what-it-does"],
      args_truncated: false,
    };
    expect(exec).toMatchObject(image);
    expect(exit).toMatchObject(image);
  });

  test("without a path, run by execveat", async () => {
    const watched = await fixture().watched(collect(), "exec-memfd", fixture().leaf);
    const story = watched.reaped("executed");
    const { comm } = watched.truths.self("leaf");
    // The name is that of /proc/PID/exe without " (deleted)".
    expect(watched.truths.self("leaf").exe).toBe("/memfd:no path (deleted)");
    expect(onlyExec(story)).toMatchObject({ exe: "/memfd:no path", args: ["from memory", "x"], comm });
    expect(story.exit).toMatchObject({ exe: "/memfd:no path", args: ["from memory", "x"], comm });
  });

  test("run in a chroot: has the path as seen from outside", async () => {
    const root = join(place, "root");
    const exe = copyOfLeaf("root", "bin", "leaf");
    const watched = await fixture().watched(collect(), "chroot", root, "/bin/leaf");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, args: ["leaf", "elsewhere"] });
  });

  test("on a filesystem mounted in its own mount namespace: the path crosses the mount point", async () => {
    const mountpoint = join(place, "mounted");
    mkdirSync(mountpoint);
    const watched = await fixture().watched(collect(), "tmpfs", mountpoint, fixture().leaf);
    const exe = join(mountpoint, "inner/leaf");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, args: ["leaf", "elsewhere"] });
    expect(watched.truths.self("leaf").exe).toBe(exe);
  });

  test("on a bind mount: has the path below that mount", async () => {
    copyOfLeaf("origin", "sub", "leaf");
    const target = join(place, "bound");
    mkdirSync(target);
    const exe = join(target, "sub/leaf");
    const watched = await fixture().watched(collect(), "bind", join(place, "origin"), target, exe);
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, args: ["leaf", "elsewhere"] });
    expect(watched.truths.self("leaf").exe).toBe(exe);
  });

  const hasOverlay = /^nodev\toverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));
  test.skipIf(!hasOverlay)(
    titled("on an overlay filesystem, as in containers", hasOverlay ? null : "no overlayfs"),
    async () => {
      copyOfLeaf("lower", "bin", "leaf");
      for (const name of ["upper", "work", "merged"]) mkdirSync(join(place, "overlay", name), { recursive: true });
      const merged = join(place, "overlay/merged");
      const exe = join(merged, "bin/leaf");
      const watched = await fixture().watched(
        collect(),
        "overlay",
        join(place, "lower"),
        join(place, "overlay"),
        merged,
        exe,
      );
      expect(onlyExec(watched.reaped("executed"))).toMatchObject({ exe, args: ["leaf", "elsewhere"] });
      expect(watched.truths.self("leaf").exe).toBe(exe);
    },
  );

  test("is unchanged by an exec that fails, which is not reported", async () => {
    const watched = await fixture().watched(collect(), "exec-missing");
    const { execs, exit } = watched.reaped("failed");
    expect(execs).toEqual([]);
    expect(exit).toMatchObject({ exit_code: 127, exe: fixture().program });
  });

  test("of an exit is that of the last of several execs", async () => {
    const { program, leaf } = fixture();
    const watched = await fixture().watched(
      collect(),
      "exec-path",
      program,
      "second",
      "become",
      leaf,
      "third",
      "of three",
    );
    const { execs, exit } = watched.story(watched.truths.reaped("executed"));
    expect(execs).toMatchObject([
      { exe: program, args: ["second", "become", leaf, "third", "of three"], old_comm: "process-fixture" },
      { exe: leaf, args: ["third", "of three"], old_comm: "process-fixture", comm: "leaf" },
    ]);
    expect(exit).toMatchObject({ exe: leaf, args: ["third", "of three"] });
  });

  test("of a child without an exec stays that of its parent at the fork", async () => {
    const { program, leaf } = fixture();
    const watched = await fixture().watched(collect(), "left-behind", leaf);
    const executed = watched.reaped("executed");
    expect(executed.exit).toMatchObject({ exe: leaf, args: ["leaf", "after the fork"] });
    const left = watched.reaped("left-behind");
    expect(left.fork.ppid).toBe(executed.truth.pid);
    expect(left.exit).toMatchObject({ exit_code: 31, exe: program, args: [program, "left-behind", leaf] });
  });

  test("the previous name of an exec is the name right before the exec", async () => {
    const name = 'q"\\(\n) é';
    const watched = await fixture().watched(collect(), "exec-renamed", name, fixture().leaf, "x");
    expect(onlyExec(watched.reaped("executed"))).toMatchObject({ old_comm: name, comm: "leaf" });
  });

  test("the output is valid, and no record is lost", async () => {
    expect((await collect().stop()).summary.lost).toBe(0);
  });
});

// On a machine without tmpfs or with an unusual /tmp, the tests above fail for reasons outside linnix.
test.skipIf(reason !== null)("root may mount filesystems in its own mount namespace on this machine", () => {
  expect(succeeds("unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", "/mnt")).toBe(
    true,
  );
});
