/** Minimal root directories: without glibc, /proc, /sys or any other file. `npm run test:places` */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expectAgreement, linnix, type Place } from "../kernel/support/agreement.ts";
import { BINARY, programPath, reasonOf, succeeds, titled, whyNoBtf } from "../kernel/support/needs.ts";
import { inMounts } from "../kernel/support/places.ts";
import { inRoot, inRootWithMounts } from "./support/roots.ts";

setDefaultTimeout(120_000);

const busybox = programPath("busybox");
const reason = reasonOf(
  whyNoBtf(),
  !succeeds("unshare", "--mount", "true") && "needs unshare --mount",
  (busybox === null || succeeds("ldd", busybox)) && "needs a static busybox",
);

const folder = mkdtempSync(join(tmpdir(), "linnix-roots-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files that the loader loads for the binary. */
function librariesOf(program: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", program]);
  return [...stdout.toString().matchAll(/(?:=> |^\s*)(\/\S+) \(/gm)].map(([, path]) => path ?? "");
}

/** Makes a root of busybox, the binary and these files. */
function makeRoot(name: string, files: readonly string[]): string {
  const root = join(folder, name);
  for (const path of ["proc", "sys", "bin"]) mkdirSync(join(root, path), { recursive: true });
  copyFileSync(busybox as string, join(root, "bin/busybox"));
  for (const command of ["sh", "true"]) linkSync(join(root, "bin/busybox"), join(root, "bin", command));
  copyFileSync(BINARY, join(root, "linnix"));
  for (const path of files) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
    chmodSync(join(root, path), 0o755);
  }
  return root;
}

describe.skipIf(reason !== null)(titled("a root of the binary and its libraries", reason), () => {
  let root = "";
  beforeAll(() => {
    root = makeRoot("small", librariesOf(BINARY));
  });
  const inIt = (mounts: string): Place => ({ before: inRoot(root, mounts), binary: "/linnix" });

  test("without /etc, /dev and /tmp: collect runs, and doctor agrees", async () => {
    const report = await expectAgreement({ before: inRootWithMounts(root), binary: "/linnix" });
    expect(report.can).toEqual({ collect: true, "overhead-test": false, "compare-with-polling": false });
  });

  test("without /sys: collect and doctor agree", async () => {
    await expectAgreement(inIt('mount -t proc proc "$1/proc"'));
  });

  test("with /proc of hidepid=2, as root: collect and doctor agree", async () => {
    await expectAgreement(inIt('mount -t proc -o hidepid=2 proc "$1/proc" && mount -t sysfs sysfs "$1/sys"'));
  });

  test("on a read-only filesystem: collect and doctor agree", async () => {
    await expectAgreement(
      inIt('mount --bind -o ro "$1" "$1" && mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys"'),
    );
  });
});

describe.skipIf(reason !== null)(titled("a root without glibc", reason), () => {
  test("cannot run the binary, and the shell reports that", async () => {
    const root = makeRoot("musl", []);
    const before = [...inRootWithMounts(root), "/bin/sh", "-c", 'exec "$0" "$@"'];
    const { exitCode, stderr } = await linnix({ before, binary: "/linnix" }, "--version");
    expect({ exitCode, stderr }).toEqual({ exitCode: 127, stderr: expect.stringContaining("not found") });
  });
});

describe.skipIf(reason !== null)(titled("mounts of this machine", reason), () => {
  const PLACES: Record<string, Place> = {
    "no /sys/fs/cgroup": { before: inMounts("umount --recursive --lazy /sys/fs/cgroup") },
    "no /sys/kernel/btf": { before: inMounts("mount -t tmpfs none /sys/kernel/btf") },
    "an empty /dev": { before: inMounts("mount -t tmpfs none /dev") },
    "an empty /etc": { before: inMounts("mount -t tmpfs none /etc") },
    "a /proc of hidepid=2": { before: inMounts("mount -t proc -o hidepid=2 proc /proc") },
    "a read-only /proc and /sys": {
      before: inMounts("mount -o remount,bind,ro /proc && mount -o remount,bind,ro /sys"),
    },
    "everything read-only": { before: inMounts("mount -o remount,bind,ro /") },
    "noexec on /tmp and /dev/shm": {
      before: inMounts("mount -t tmpfs -o noexec none /tmp && mount -t tmpfs -o noexec none /dev/shm"),
    },
    "tracefs mounted": {
      before: inMounts("{ mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing; }"),
    },
  };

  for (const [name, place] of Object.entries(PLACES)) {
    // If the source tree is in /tmp, so is the binary.
    const isHidden = name.includes("/tmp") && BINARY.startsWith("/tmp/");
    test.skipIf(isHidden)(titled(name, isHidden ? "the binary itself is there" : null), async () => {
      await expectAgreement(place);
    });
  }
});
