import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { isAtLeast, parseKernelVersion } from "../../src/sys/kernel-version.ts";
import { doctor, expectAgreement, limited, linnix, type Place } from "./support/agreement.ts";
import { programPath, succeeds, titled, whyNotHere } from "./support/needs.ts";
import { asNobody, asRootWithout, inMounts } from "./support/places.ts";

setDefaultTimeout(120_000);

const FIXTURES = join(import.meta.dir, "../fixtures/places");
const folder = mkdtempSync(join(tmpdir(), "linnix-places-"));
const mdwe = join(folder, "mdwe");
const refuse = join(folder, "refuse");
/** A folder to use as a mount point. */
const mountPoint = mkdtempSync(join(folder, "mount-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reason =
  whyNotHere() ??
  (programPath("setpriv") && succeeds("unshare", "--mount", "true") ? null : "needs setpriv and unshare --mount");

const PLACES: Record<string, Place> = {
  "an ordinary place": { before: [] },
  "no executable memory: MemoryDenyWriteExecute=": {
    before: [mdwe],
    cause: /executable memory/,
    hint: /MemoryDenyWriteExecute=/,
  },
  "no executable memory: RLIMIT_AS": { before: limited("ulimit -v 2000000"), cause: /executable memory/, hint: /-v/ },
  "50 descriptors": { before: limited("ulimit -n 50") },
  "24 descriptors": { before: limited("ulimit -n 24"), cause: /EMFILE/, hint: /ulimit -n/ },
  "8 descriptors": { before: limited("ulimit -n 8"), cause: /too many open files/i, hint: /ulimit -n/ },
  "6 descriptors": { before: limited("ulimit -n 6"), cause: /too many open files/i, hint: /ulimit -n/ },
  "a limit on file sizes": { before: limited("ulimit -f 8"), cause: /EFBIG/, hint: /LimitFSIZE=/ },
  "rings above the limit of locked memory": {
    before: [...limited("ulimit -l 8192"), ...asRootWithout("ipc_lock")],
    env: { LINNIX_RING_SIZE: "64MiB" },
    cause: /64MiB for each CPU is more than this user may lock/,
    hint: /LimitMEMLOCK=.*--ring-size/,
  },
  "no /dev/null": { before: inMounts("mount -t tmpfs -o ro none /dev") },
  "/sys is not mounted": { before: inMounts("umount --recursive --lazy /sys") },
  "/proc with subset=pid": { before: inMounts("mount -t proc -o subset=pid proc /proc") },
  "/proc/sys is hidden": { before: inMounts("mount -t tmpfs none /proc/sys") },
  "a seccomp filter refuses bpf with EPERM": { before: [refuse, "bpf", "1"], cause: /EPERM/, hint: /seccomp/ },
  "a seccomp filter refuses bpf with ENOSYS": { before: [refuse, "bpf", "38"], cause: /ENOSYS/, hint: /seccomp/ },
  "a seccomp filter refuses perf_event_open": {
    before: [refuse, "perf_event_open", "1"],
    cause: /perf_event_open: EPERM/,
    hint: /seccomp/,
  },
  "root without capabilities": {
    before: asRootWithout("bpf", "perfmon", "sys_admin"),
    cause: /EPERM/,
    hint: /CAP_BPF and CAP_PERFMON/,
  },
  nobody: { before: asNobody(), cause: /EPERM/, hint: /sudo linnix/ },
  "root of another user namespace": {
    before: ["unshare", "--user", "--map-root-user"],
    cause: /EPERM/,
    hint: /user namespace/,
  },
};

describe.skipIf(reason !== null)(titled("doctor agrees with collect", reason), () => {
  beforeAll(() => {
    for (const name of ["mdwe", "refuse"]) {
      const source = join(FIXTURES, `${name}.c`);
      const { stderr, success } = Bun.spawnSync(["gcc", "-std=gnu11", "-O1", "-o", join(folder, name), source]);
      if (!success) throw new Error(stderr.toString());
    }
  });

  for (const [name, place] of Object.entries(PLACES)) {
    const isOld = place.before[0] === mdwe && isAtLeast(parseKernelVersion(release()), 6, 3) === false;
    test.skipIf(isOld)(titled(name, isOld ? "needs Linux 6.3" : null), async () => {
      await expectAgreement(place);
    });
  }

  test("doctor survives a seccomp filter that ends the process, and names the filter", async () => {
    const report = await doctor({ before: [refuse, "bpf", "kill"] });
    expect(report.exitCode).toBe(3);
    expect(report.check("trial")).toMatchObject({ status: "fail", found: expect.stringContaining("seccomp") });
  });

  test("doctor checks the ring size of the configuration file", async () => {
    const config = join(folder, "linnix.toml");
    await Bun.write(config, '[ring]\nsize = "64MiB"\n');
    const before = [...limited("ulimit -l 8192"), ...asRootWithout("ipc_lock")];
    const { exitCode, stdout } = await linnix({ before }, "doctor", "--config", config);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("a ring of 64MiB for each CPU is more than this user may lock");
  });
});

describe.skipIf(reason !== null)(titled("overhead-test and compare refuse before they measure", reason), () => {
  const NO_FOLDER = /nothing can be written to .*, the folder for temporary files/;
  const FOLDERS: Record<string, Place> = {
    "a missing TMPDIR": { before: [], env: { TMPDIR: "/nonexistent" } },
    "a TMPDIR where no folder can be made": { before: [], env: { TMPDIR: "/proc" } },
    "a read-only TMPDIR": {
      before: inMounts('mount -t tmpfs -o ro none "$1"', mountPoint),
      env: { TMPDIR: mountPoint },
    },
    "a full TMPDIR": {
      before: inMounts('mount -t tmpfs -o size=64k none "$1"', mountPoint),
      env: { TMPDIR: mountPoint },
    },
  };
  for (const [name, place] of Object.entries(FOLDERS)) {
    test(name, async () => {
      const report = await doctor(place);
      expect(report.exitCode).toBe(0);
      expect(report.can).toEqual({ collect: true, "overhead-test": false, "compare-with-polling": false });
      for (const command of ["overhead-test", "compare-with-polling"]) {
        const { exitCode, stderr } = await linnix(place, command, "--quick");
        expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringMatching(NO_FOLDER) });
        // The message is the first line: nothing was measured before.
        expect(stderr).toStartWith("linnix: nothing can be written");
        expect(report.check("temp-folder").found).toBe(stderr.split("\n")[0]?.slice("linnix: ".length) ?? "");
      }
    });
  }

  test("overhead-test prints first why a collector cannot run here", async () => {
    const { exitCode, stderr } = await linnix({ before: [refuse, "perf_event_open", "1"] }, "test", "--quick");
    expect(exitCode).toBe(3);
    expect(stderr).toStartWith("linnix: the perf rings cannot be opened: perf_event_open: EPERM");
  });
});

const noTracefs =
  reason ?? (/^nodev\ttracefs$/m.test(readFileSync("/proc/filesystems", "latin1")) ? null : "needs tracefs");
describe.skipIf(noTracefs !== null)(titled("a command of overhead-test", noTracefs), () => {
  const options = ["--quick", "--baseline", "0ms", "--duration", "500ms", "--interval", "100ms"];

  test("has tracefs mounted, even if the machine has not", async () => {
    const before = inMounts("umount -q -l /sys/kernel/tracing; umount -q -l /sys/kernel/debug; true");
    const script = "ls -d /sys/kernel/tracing/events || exit 9; sleep 100";
    const { stderr, exitCode } = await linnix({ before }, "overhead-test", ...options, "--", "sh", "-c", script);
    expect(stderr).not.toContain("ended");
    expect([0, 1, 4]).toContain(exitCode ?? -1);
  });

  test("that ends at once is reported with its last output", async () => {
    const script = "echo the licence is missing; exit 7";
    const { stderr, exitCode } = await linnix({ before: [] }, "overhead-test", ...options, "--", "sh", "-c", script);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("it ended with status 7: the licence is missing");
  });

  test("that does not exist is wrong use", async () => {
    const { stderr, exitCode } = await linnix({ before: [] }, "overhead-test", ...options, "--", "/nonexistent/agent");
    expect(exitCode).toBe(2);
    expect(stderr).toStartWith('linnix: there is no program "/nonexistent/agent"');
  });
});

const noBusybox = reason ?? (programPath("busybox") === null ? "needs busybox" : null);
describe.skipIf(noBusybox !== null)(titled("with the setpriv of busybox", noBusybox), () => {
  test("overhead-test runs", async () => {
    const busybox = programPath("busybox") ?? "";
    const place = { before: inMounts('mount --bind "$1" "$2"', busybox, programPath("setpriv") ?? "") };
    const options = ["--baseline", "0ms", "--duration", "500ms", "--interval", "100ms"];
    const { exitCode, stderr } = await linnix(place, "overhead-test", "--quick", ...options);
    expect(stderr).not.toContain("did not start");
    expect([0, 1, 4]).toContain(exitCode ?? -1);
  });
});
