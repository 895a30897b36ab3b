import { describe, expect, test } from "bun:test";
import { readCgroupMounts } from "../../src/identity/cgroup-mount.ts";
import { parseMembership, readMembership, tellingV1Path } from "../../src/identity/proc-cgroup.ts";

const ID = "9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d";

describe("/proc/PID/cgroup", () => {
  test("of a machine with v1 hierarchies beside the v2 one", () => {
    const text = `3:cpu,cpuacct:/docker/${ID}\n1:name=systemd:/system.slice/a:b.service\n0::/system.slice/x.service (deleted)\n`;
    expect(parseMembership(text)).toEqual({
      v2: "/system.slice/x.service",
      v1: [
        { controllers: "cpu,cpuacct", path: `/docker/${ID}` },
        { controllers: "name=systemd", path: "/system.slice/a:b.service" },
      ],
    });
  });

  test("of one with v2 alone, and of one without", () => {
    expect(parseMembership("0::/\n")).toEqual({ v2: "/", v1: [] });
    expect(parseMembership("1:memory:/\n")).toEqual({ v2: null, v1: [{ controllers: "memory", path: "/" }] });
    expect(parseMembership("")).toEqual({ v2: null, v1: [] });
  });

  test("of ourselves; of nobody there is none", () => {
    expect(readMembership(process.pid)).not.toBeNull();
    expect(readMembership(2 ** 22 + 1)).toBeNull();
  });
});

test.each([
  ["a container before a unit", `5:pids:/system.slice/runner.service\n4:memory:/docker/${ID}\n`, `/docker/${ID}`],
  ["else a unit", "4:memory:/\n1:name=systemd:/system.slice/ssh.service\n", "/system.slice/ssh.service"],
  ["else what is not the root", "5:pids:/\n4:memory:/some/where\n0::/system.slice/ssh.service\n", "/some/where"],
  ["else nothing", "5:pids:/\n4:memory:/\n0::/system.slice/ssh.service\n", null],
])("of v1 hierarchies the one that says most counts: %s", (_, text, path) => {
  expect(tellingV1Path(parseMembership(text))).toBe(path);
});

describe("/proc/self/mountinfo", () => {
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
      "a mount of the whole rather than of a part",
      ["1 1 0:1 /a /m1 rw - cgroup2 c rw", "2 1 0:1 / /m2 rw - cgroup2 c rw", "3 1 0:1 /b /m3 rw - cgroup2 c rw"],
      "/m2",
      "/",
      false,
    ],
    ["a part", ["1 1 0:1 /../a /my\\040mount\\134x rw - cgroup2 c rw"], "/my mount\\x", "/../a", false],
  ])("%s", (_, lines, point, root, hasV1) => {
    expect(readCgroupMounts(lines.join("\n"))).toEqual({ v2: { point, root }, hasV1 });
  });

  test("without any", () => {
    expect(readCgroupMounts("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\n")).toEqual({ v2: undefined, hasV1: false });
    expect(readCgroupMounts(V1)).toEqual({ v2: undefined, hasV1: true });
  });
});
