/** Containers of podman, runc and systemd-nspawn, with and without the needed flags. `npm run test:places` */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/errors.ts";
import { expectAgreement, linnix, type Place } from "../kernel/support/agreement.ts";
import { programPath, reasonOf, succeeds, titled } from "../kernel/support/needs.ts";
import { DEBIAN_ROOTS, debianRoot, whyNoDebianRoot } from "./support/debian-roots.ts";

// A root directory may have to be made first.
setDefaultTimeout(600_000);

const debian = DEBIAN_ROOTS.find(({ suite }) => suite === "bookworm");
if (debian === undefined) throw new Error("no root of Debian 12");
const noRoot = whyNoDebianRoot(debian);
const scratch = mkdtempSync(join(tmpdir(), "linnix-containers-"));
let root = "";

beforeAll(async () => {
  if (noRoot === null) root = await debianRoot(debian);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Expected = Pick<Place, "cause" | "hint"> & { can?: Record<string, boolean> };

const EVERYTHING: Expected = { can: { collect: true, "overhead-test": true, "compare-with-polling": true } };
const NO_CAPABILITIES: Expected = { cause: /EPERM/, hint: /CAP_BPF and CAP_PERFMON/ };
const SECCOMP: Expected = { cause: /EPERM/, hint: /seccomp=unconfined/ };

/** Expects that doctor agrees with collect in a container, and that overhead-test refuses at once if doctor says so. */
async function check(before: string[], { can, ...expected }: Expected): Promise<void> {
  const place = { before, binary: "/linnix", ...expected };
  const report = await expectAgreement(place);
  if (can) expect(report.can).toEqual(can);
  if (report.can["overhead-test"]) return;
  const { exitCode, stderr } = await linnix(place, "overhead-test", "--quick");
  expect({ exitCode, stderr }).toEqual({ exitCode: EXIT.cannotRun, stderr: expect.stringMatching(/^linnix: /m) });
  expect(stderr).not.toContain("defect");
}

const noPodman = reasonOf(noRoot, programPath("podman") === null && "needs podman");

/** A new container; its limits can also be set on a machine without CAP_SYS_RESOURCE. */
function podman(flags: readonly string[]): string[] {
  const storage = [`--root=${join(scratch, "podman")}`, `--runroot=${join(scratch, "run")}`, "--storage-driver=vfs"];
  const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
  const run = ["run", "--rm", "--network=none", ...limits, ...flags, "--rootfs", root];
  return ["podman", "--cgroup-manager=cgroupfs", ...storage, ...run];
}

describe.skipIf(noPodman !== null)(titled("podman", noPodman), () => {
  const BPF = ["--cap-drop=ALL", "--cap-add=BPF", "--cap-add=PERFMON"];
  const OPEN = "--security-opt=seccomp=unconfined";
  const CONTAINERS: [string[], Expected][] = [
    [["--privileged", "--pid=host"], EVERYTHING],
    [["--privileged"], EVERYTHING],
    [["--privileged", "--pid=host", "--cgroupns=host"], EVERYTHING],
    [["--privileged", "--ipc=host", "--uts=host", "--userns=host"], EVERYTHING],
    [[], NO_CAPABILITIES],
    [["--pid=host"], NO_CAPABILITIES],
    [["--cap-drop=ALL", "--pid=host"], NO_CAPABILITIES],
    [BPF, SECCOMP],
    [[...BPF, "--pid=host"], SECCOMP],
    [[...BPF, "--pid=host", OPEN], {}],
    [[...BPF, OPEN], {}],
    [["--cap-add=SYS_ADMIN", "--pid=host"], {}],
    [["--cap-drop=ALL", "--cap-add=BPF", OPEN], { cause: /EPERM|EACCES/ }],
    [["--cap-drop=ALL", "--cap-add=PERFMON", OPEN], { cause: /EPERM|EACCES/ }],
    [["--privileged", "--user=1000"], { cause: /EPERM/, hint: /sudo linnix/ }],
    [
      ["--privileged", "--pid=host", "--read-only", "--read-only-tmpfs=false"],
      { can: { collect: true, "overhead-test": false, "compare-with-polling": false } },
    ],
    [["--privileged", "--pid=host", "--memory=256m"], EVERYTHING],
    [["--privileged", "--pid=host", "--pids-limit=200"], EVERYTHING],
  ];

  for (const [flags, expected] of CONTAINERS) {
    test(flags.length > 0 ? flags.join(" ") : "without flags", () => check(podman(flags), expected));
  }
});

const noNspawn = reasonOf(noRoot, programPath("systemd-nspawn") === null && "needs systemd-nspawn");

describe.skipIf(noNspawn !== null)(titled("systemd-nspawn", noNspawn), () => {
  const nspawn = (...flags: string[]) => {
    const own = ["--quiet", "--pipe", "--register=no", "--keep-unit", "--as-pid2"];
    // nspawn locks a container's root while it runs, but doctor and collect run at the same time.
    return ["systemd-nspawn", ...own, ...flags, "--volatile=overlay", `--directory=${root}`];
  };

  test("with default settings", () => check(nspawn(), SECCOMP));
  test("with every capability", () => check(nspawn("--capability=all"), SECCOMP));
  test("with both capabilities and the system calls", () => {
    const calls = "--system-call-filter=bpf perf_event_open";
    return check(nspawn("--capability=CAP_BPF,CAP_PERFMON", calls), {});
  });
});

const noRunc = reasonOf(noRoot, programPath("runc") === null && "needs runc");

describe.skipIf(noRunc !== null)(titled("runc", noRunc), () => {
  const DEFAULT = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  const CONTAINERS: [string, { capabilities: string[]; without?: string[]; isReadOnly?: boolean }, Expected][] = [
    ["with the default configuration of `runc spec`", { capabilities: DEFAULT }, NO_CAPABILITIES],
    ["with CAP_BPF and CAP_PERFMON", { capabilities: ["CAP_BPF", "CAP_PERFMON"] }, {}],
    ["with both, in the host's pid namespace", { capabilities: ["CAP_BPF", "CAP_PERFMON"], without: ["pid"] }, {}],
    ["with CAP_SYS_ADMIN, read-only", { capabilities: ["CAP_SYS_ADMIN"], isReadOnly: true }, {}],
  ];

  for (const [name, { capabilities, without = [], isReadOnly = false }, expected] of CONTAINERS) {
    test(name, async () => {
      const id = `linnix-${crypto.randomUUID()}`;
      const bundle = join(scratch, id);
      mkdirSync(bundle);
      expect(succeeds("runc", "spec", "--bundle", bundle)).toBe(true);
      const path = join(bundle, "config.json");
      const config = JSON.parse(readFileSync(path, "utf8"));
      config.root = { path: root, readonly: isReadOnly };
      config.process.terminal = false;
      config.process.args = ["sleep", "600"];
      for (const set of Object.keys(config.process.capabilities)) config.process.capabilities[set] = capabilities;
      config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => !without.includes(type));
      writeFileSync(path, JSON.stringify(config));
      using scope = new DisposableStack();
      scope.defer(() => succeeds("runc", "delete", "--force", id));
      expect(succeeds("runc", "run", "--detach", "--bundle", bundle, id)).toBe(true);
      await check(["runc", "exec", id], expected);
    });
  }
});
