import { describe, expect, test } from "bun:test";
import { cgroupMounts } from "../../src/cgroup/cgroup-mount.ts";
import { afterMove, parseMembership, readMembership, tellingV1Path } from "../../src/cgroup/proc-cgroup.ts";
import { parseMountinfo } from "../../src/procfs/mountinfo.ts";

const ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d";

describe("/proc/PID/cgroup", () => {
  test("has the v2 path and all v1 paths on a hybrid machine", () => {
    const text = `3:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/system.slice/a:b.service\n0::/system.slice/x.service (deleted)\n`;
    expect(parseMembership(text)).toEqual({
      v2: "/system.slice/x.service",
      v1: [
        { controllers: "cpu,cpuacct", path: `/docker/${ID}` },
        { controllers: "name=systemd", path: "/system.slice/a:b.service" },
      ],
    });
  });

  test("has no v1 paths on a machine with only v2, and no v2 path on a machine without v2", () => {
    expect(parseMembership("0::/\n")).toEqual({ v2: "/", v1: [] });
    expect(parseMembership("1:memory:/\n")).toEqual({ v2: null, v1: [{ controllers: "memory", path: "/" }] });
    expect(parseMembership("")).toEqual({ v2: null, v1: [] });
  });

  test("is readable for this process, and null for a process that does not exist", () => {
    expect(readMembership(process.pid)).not.toBeNull();
    expect(readMembership(2 ** 22 + 1)).toBeNull();
  });
});

test.each([
  ["a container before a unit", `5:pids:/system.slice/runner.service\n4:memory:/docker/${ID}\n`, `/docker/${ID}`],
  [
    "a unit if no path has a container",
    "4:memory:/\n1:name=systemd:/system.slice/ssh.service\n",
    "/system.slice/ssh.service",
  ],
  [
    "a path other than the root if no path has a unit",
    "5:pids:/\n4:memory:/some/where\n0::/system.slice/ssh.service\n",
    "/some/where",
  ],
  ["none if all are the root", "5:pids:/\n4:memory:/\n0::/system.slice/ssh.service\n", null],
])("the most informative v1 path is used: %s", (_, text, path) => {
  expect(tellingV1Path(parseMembership(text))).toBe(path);
});

test.each([
  ["another path", "9:name=systemd:/a.service\n8:pids:/a\n0::/\n", 8, "9:name=systemd:/a.service\n8:pids:/b\n0::/\n"],
  ["hierarchy 8 and not hierarchy 18", "18:pids:/x\n8:cpu:/y\n", 8, "18:pids:/x\n8:cpu:/b\n"],
  ["a hierarchy that was missing", "9:cpu:/\n0::/\n", 8, "9:cpu:/\n8::/b\n0::/\n"],
  ["all hierarchies were missing", "", 8, "8::/b\n"],
  ["a path with colons", "8:pids:/a:b:c\n", 8, "8:pids:/b\n"],
])("a move changes the path of one hierarchy: %s", (_, before, hierarchy, after) => {
  expect(afterMove(before, hierarchy, "/b")).toBe(after);
});

describe("/proc/self/mountinfo", () => {
  const mountsOf = (text: string, shows?: (path: string) => boolean) => cgroupMounts(parseMountinfo(text), shows);
  const V1 = "36 31 0:33 / /sys/fs/cgroup/memory rw shared:4 - cgroup cgroup rw,memory";

  test.each([
    ["v2 alone", ["25 20 0:22 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw"], "/sys/fs/cgroup", "/", false],
    [
      "hybrid",
      [V1, "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"],
      "/sys/fs/cgroup/unified",
      "/",
      true,
    ],
    [
      "a mount of the whole hierarchy has priority over a mount of a part",
      ["1 1 0:1 /a /m1 rw - cgroup2 c rw", "2 1 0:1 / /m2 rw - cgroup2 c rw", "3 1 0:1 /b /m3 rw - cgroup2 c rw"],
      "/m2",
      "/",
      false,
    ],
    ["a part", ["1 1 0:1 /../a /my\\040mount\\134x rw - cgroup2 c rw"], "/my mount\\x", "/../a", false],
  ])("%s", (_, lines, point, root, hasV1) => {
    expect(mountsOf(lines.join("\n"))).toEqual({ v2: { point, root }, hasV1 });
  });

  const ROOT = "22 1 0:20 / / rw - ext4 /dev/vda rw";
  const V2 = "30 22 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";
  const COVER = "40 30 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw";
  const UNIFIED = "41 40 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw";

  test.each<[string, string[], string | undefined]>([
    ["covered by a tmpfs, and mounted again below that tmpfs", [ROOT, V2, COVER, UNIFIED], "/sys/fs/cgroup/unified"],
    [
      "the same if all mounts have the same parent",
      [V2, COVER.replace("40 30", "40 22"), UNIFIED.replace("41 40", "41 22")],
      "/sys/fs/cgroup/unified",
    ],
    ["covered, and not mounted elsewhere", [ROOT, V2, COVER], undefined],
    ["covered by a mount over a parent folder", [ROOT, V2, "40 22 0:50 / /sys/fs rw - tmpfs tmpfs rw"], undefined],
    ["covered by a mount over the root", [ROOT, V2, "40 22 0:50 / / rw - tmpfs tmpfs rw"], undefined],
    [
      "in a folder that was mounted after the covered one",
      [V2, "40 22 0:50 / /sys rw - sysfs s rw", "41 40 0:26 / /sys/fs/cgroup rw - cgroup2 c rw"],
      "/sys/fs/cgroup",
    ],
    ["mounted once more over itself", [ROOT, V2, "40 30 0:26 / /sys/fs/cgroup ro - cgroup2 c rw"], "/sys/fs/cgroup"],
    [
      "covered by a mount that is older and was moved there",
      [ROOT, "25 30 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw", V2],
      undefined,
    ],
    [
      "listed before the folder that it is in, which was moved",
      [ROOT, "30 40 0:26 / /sys/fs/cgroup rw - cgroup2 c rw", "40 22 0:50 / /sys rw - sysfs s rw"],
      "/sys/fs/cgroup",
    ],
    [
      "not covered by a mount over a folder whose name begins alike",
      [ROOT, V2, "40 22 0:50 / /sys/fs/cg rw - tmpfs tmpfs rw"],
      "/sys/fs/cgroup",
    ],
    [
      "covered by a mount of a part of itself, which is used",
      [ROOT, V2, "40 30 0:26 /a /sys/fs/cgroup rw - cgroup2 c rw"],
      "/sys/fs/cgroup",
    ],
  ])("%s", (_, lines, point) => {
    expect(mountsOf(lines.join("\n")).v2?.point).toBe(point as string);
  });

  test("a mount of a part that covers the whole hierarchy is visible", () => {
    const part = "40 30 0:26 /a /sys/fs/cgroup rw - cgroup2 c rw";
    expect(mountsOf([ROOT, V2, part].join("\n")).v2).toEqual({ point: "/sys/fs/cgroup", root: "/a" });
  });

  test("a mount point is skipped if the hierarchy is not visible at its path", () => {
    const other = "50 22 0:26 / /elsewhere rw - cgroup2 c rw";
    const shows = (path: string) => path !== "/sys/fs/cgroup";
    expect(mountsOf([ROOT, V2, other].join("\n"), shows).v2?.point).toBe("/elsewhere");
    expect(mountsOf([ROOT, V2].join("\n"), shows).v2).toBeUndefined();
  });

  test("covered v1 hierarchies still count", () => {
    expect(mountsOf([V1, "40 31 0:50 / /sys/fs/cgroup rw - tmpfs t rw"].join("\n")).hasV1).toBe(true);
  });

  test("v2 is undefined without a cgroup2 mount", () => {
    expect(mountsOf("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\n")).toEqual({ v2: undefined, hasV1: false });
    expect(mountsOf(V1)).toEqual({ v2: undefined, hasV1: true });
  });
});
