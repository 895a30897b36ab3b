/** doctor and collect in namespaces of every kind, as several users. `npm run test:places` */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { EXIT } from "../../src/errors.ts";
import { expectAgreement, linnix, type Place } from "../kernel/support/agreement.ts";
import { programPath, reasonOf, succeeds, titled, whyNoBtf } from "../kernel/support/needs.ts";
import { asNobody, inMounts } from "../kernel/support/places.ts";

setDefaultTimeout(120_000);

const reason = reasonOf(whyNoBtf(), programPath("setpriv") === null && "needs setpriv");

const NO_CAPABILITY = { cause: /EPERM/, hint: /sudo linnix/ };
const USER_NAMESPACE = { cause: /EPERM/, hint: /user namespace/ };
const FULL = { collect: true, "overhead-test": true, "compare-with-polling": true };
const COLLECT_ONLY = { collect: true, "overhead-test": false, "compare-with-polling": false };

const PLACES: Record<string, Place & { can?: Record<string, boolean> }> = {
  "a pid namespace with its own /proc": { before: ["unshare", "--pid", "--fork", "--mount-proc"], can: FULL },
  "a pid namespace with the host's /proc": { before: ["unshare", "--pid", "--fork"], can: COLLECT_ONLY },
  "a pid namespace in a pid namespace": {
    before: ["unshare", "--pid", "--fork", "--mount-proc", "unshare", "--pid", "--fork", "--mount-proc"],
    can: FULL,
  },
  "a pid namespace with a /proc of hidepid=2": {
    before: ["unshare", "--pid", "--fork", ...inMounts("mount -t proc -o hidepid=2 proc /proc")],
    can: FULL,
  },
  "a cgroup namespace": { before: ["unshare", "--cgroup"] },
  "a cgroup namespace with its own mount": {
    before: ["unshare", "--cgroup", ...inMounts("umount -R -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup")],
  },
  "a time namespace, with other clocks": { before: ["unshare", "--time", "--fork", "--boottime", "1000000"] },
  "a time and a pid namespace": {
    before: ["unshare", "--time", "--boottime", "1000000", "--pid", "--fork", "--mount-proc"],
  },
  "a network namespace": { before: ["unshare", "--net"] },
  "an ipc and a uts namespace": { before: ["unshare", "--ipc", "--uts"] },
  "a mount namespace": { before: ["unshare", "--mount"] },
  "all but the user namespace": {
    before: ["unshare", "--cgroup", "--ipc", "--mount", "--net", "--uts", "--pid", "--fork", "--mount-proc"],
  },
  "a user namespace, as its root": { before: ["unshare", "--user", "--map-root-user"], ...USER_NAMESPACE },
  "a user namespace, as no user of it": { before: ["unshare", "--user"], cause: /EPERM/ },
  "a user, a pid and a mount namespace": {
    before: ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"],
    ...USER_NAMESPACE,
  },
  "a user namespace of nobody": {
    before: [...asNobody(), "unshare", "--user", "--map-root-user"],
    ...USER_NAMESPACE,
  },
  nobody: { before: asNobody(), ...NO_CAPABILITY },
  "nobody, behind hidepid=2": {
    before: [...inMounts("mount -t proc -o hidepid=2 proc /proc"), ...asNobody()],
    ...NO_CAPABILITY,
  },
  "nobody with CAP_BPF and CAP_PERFMON": { before: asNobody("bpf", "perfmon") },
  "nobody with both, behind hidepid=2": {
    before: [...inMounts("mount -t proc -o hidepid=2 proc /proc"), ...asNobody("bpf", "perfmon")],
  },
  "nobody with CAP_BPF": { before: asNobody("bpf"), cause: /EPERM|EACCES/ },
  "nobody with CAP_PERFMON": { before: asNobody("perfmon"), cause: /EPERM|EACCES/ },
  "nobody with CAP_SYS_ADMIN": { before: asNobody("sys_admin") },
};

describe.skipIf(reason !== null)(titled("doctor agrees with collect in a namespace", reason), () => {
  for (const [name, { can, ...place }] of Object.entries(PLACES)) {
    const lacks = succeeds(...(place.before as [string, ...string[]]), "true") ? null : "the kernel refuses to make it";
    test.skipIf(lacks !== null)(titled(name, lacks), async () => {
      const report = await expectAgreement(place);
      if (can) expect(report.can).toEqual(can);
      if (report.can["overhead-test"]) return;
      const { exitCode, stderr } = await linnix(place, "overhead-test", "--quick");
      expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.cannotRun, stderr: expect.stringMatching(/^linnix: /) });
      expect(stderr).not.toContain("defect");
    });
  }
});
