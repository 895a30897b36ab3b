/** doctor and collect under limits of every kind, and with unwritable folders. `npm run test:places` */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { doctor, expectAgreement, limited, linnix, type Place } from "../kernel/support/agreement.ts";
import { reasonOf, succeeds, titled, whyNoBtf } from "../kernel/support/needs.ts";
import { asNobody, inMounts } from "../kernel/support/places.ts";

setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "linnix-limits-"));
const mountPoint = join(folder, "mount");
mkdirSync(mountPoint);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reason = reasonOf(whyNoBtf(), !succeeds("unshare", "--mount", "true") && "needs unshare --mount");

/** Command prefix that sets limits by prlimit(1), such as `--cpu=60`. */
function prlimit(...limits: string[]): string[] {
  return ["prlimit", ...limits];
}

const LIMITS: Record<string, Place> = {
  "the size of stacks: 1 MiB": { before: prlimit("--stack=1048576") },
  "the size of stacks: without limit": { before: prlimit("--stack=unlimited") },
  "the size of core files: none": { before: prlimit("--core=0") },
  "processor time: 60 s": { before: prlimit("--cpu=60") },
  "locked memory: none, as root": { before: prlimit("--memlock=0") },
  "processes: 1, as root": { before: prlimit("--nproc=1") },
  "signals that wait: none": { before: prlimit("--sigpending=0") },
  "message queues and locks: none": { before: prlimit("--msgqueue=0", "--locks=0") },
  "priorities: none": { before: prlimit("--nice=0", "--rtprio=0") },
  "descriptors: 1,048,576": { before: limited("ulimit -n $(ulimit -H -n)") },
  // With about 300 MB or 2.3 GB the runtime ends before linnix can report why.
  "address space: 1.5 GB": { before: limited("ulimit -v 1500000"), cause: /executable memory/, hint: /ulimit -v/ },
  "address space: 4 GiB, as the hint says": { before: limited("ulimit -v 4194304") },
  "data: 1 GB": { before: prlimit("--data=1000000000"), cause: /executable memory/, hint: /ulimit -v and -d/ },
  "data: 2 GB": { before: prlimit("--data=2000000000"), cause: /executable memory/, hint: /LimitDATA=/ },
  "data: 4 GiB, as the hint says": { before: prlimit("--data=4294967296") },
  "file size: nothing": { before: limited("ulimit -f 0"), cause: /EFBIG/, hint: /LimitFSIZE=/ },
  // The kernel permits each user some memory for rings beyond the limit.
  "locked memory: none, as nobody": { before: [...prlimit("--memlock=0"), ...asNobody("bpf", "perfmon")] },
  "the idle scheduling class": { before: ["chrt", "--idle", "0"] },
  "nice 19": { before: ["nice", "-n", "19"] },
  "one CPU": { before: ["taskset", "1"] },
};
for (const count of [9, 12, 16, 20, 28, 32, 36]) {
  LIMITS[`${count} descriptors`] = {
    before: limited(`ulimit -n ${count}`),
    cause: /EMFILE|open files/i,
    hint: /ulimit -n/,
  };
}

describe.skipIf(reason !== null)(titled("doctor agrees with collect under a limit", reason), () => {
  for (const [name, place] of Object.entries(LIMITS)) {
    const lacks = succeeds(...(place.before as [string, ...string[]]), "/bin/true") ? null : "it cannot be set here";
    test.skipIf(lacks !== null)(titled(name, lacks), async () => {
      await expectAgreement(place);
    });
  }
});

describe.skipIf(reason !== null)(titled("TMPDIR", reason), () => {
  const FOLDERS: Record<string, Place> = {
    missing: { before: [], env: { TMPDIR: "/nonexistent" } },
    "a file": { before: [], env: { TMPDIR: "/etc/passwd" } },
    "read-only": { before: inMounts('mount -t tmpfs -o ro none "$1"', mountPoint), env: { TMPDIR: mountPoint } },
    full: { before: inMounts('mount -t tmpfs -o size=64k none "$1"', mountPoint), env: { TMPDIR: mountPoint } },
    "without inodes": {
      before: inMounts('mount -t tmpfs -o nr_inodes=1 none "$1"', mountPoint),
      env: { TMPDIR: mountPoint },
    },
  };

  for (const [name, place] of Object.entries(FOLDERS)) {
    test(`${name}: collect runs; overhead-test and compare-with-polling refuse, as doctor reports`, async () => {
      const report = await expectAgreement(place);
      expect(report.can).toMatchObject({ collect: true, "overhead-test": false, "compare-with-polling": false });
      for (const command of ["overhead-test", "compare-with-polling"]) {
        const { exitCode, stderr } = await linnix(place, command, "--quick");
        expect({ exitCode, stderr }).toEqual({
          exitCode: 3,
          stderr: expect.stringMatching(/^linnix: nothing can be written to .*, the folder for temporary files/),
        });
      }
    });
  }

  test("noexec: every command can run", async () => {
    const before = inMounts('mount -t tmpfs -o noexec none "$1"', mountPoint);
    const report = await doctor({ before, env: { TMPDIR: mountPoint } });
    expect(report.can).toEqual({ collect: true, "overhead-test": true, "compare-with-polling": true });
  });
});
