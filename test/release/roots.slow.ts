/** The binary in real roots of other Debian versions, with nothing else installed. `npm run test:release` */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KEYRING, systemMirror } from "../../scripts/apt.ts";
import { EXIT } from "../../src/errors.ts";
import { versionText } from "../../src/version.ts";
import { parseOutput } from "../kernel/support/collect-output.ts";
import { BINARY, programPath, reasonOf, titled, whyNoBtf } from "../kernel/support/needs.ts";

setDefaultTimeout(900_000);

/** Where roots stay between runs; remove it for newer ones. */
const ROOTS = join(import.meta.dir, "../../.build/roots");

const SUITES = [
  { suite: "bullseye", release: "Debian 11", glibc: "2.31" },
  { suite: "bookworm", release: "Debian 12", glibc: "2.36" },
  { suite: "trixie", release: "Debian 13", glibc: "2.41" },
];

const reason = reasonOf(whyNoBtf(), programPath("debootstrap") === null && "needs debootstrap");

for (const { suite, release, glibc } of SUITES) {
  describe.skipIf(reason !== null)(titled(release, reason), () => {
    const root = join(ROOTS, suite);

    beforeAll(async () => {
      await makeRoot(suite, root);
      copyFileSync(BINARY, join(root, "linnix"));
    });

    test("--version", () => {
      expect(inRoot(root, "--version")).toMatchObject({ stdout: `${versionText()}\n`, stderr: "", exitCode: EXIT.ok });
    });

    test("doctor: linnix can run here, and knows the C library", () => {
      const { stdout, exitCode } = inRoot(root, "doctor", "--json");
      const doctor = JSON.parse(stdout);
      expect(doctor).toMatchObject({ can: { collect: true, "overhead-test": true } });
      const library = doctor.checks.find(({ id }: { id: string }) => id === "c-library");
      expect(library).toMatchObject({ status: "ok", found: expect.stringContaining(`glibc ${glibc} `) });
      expect(exitCode).toBe(EXIT.ok);
    });

    test("collect: every event of a known process", () => {
      const { stdout, stderr, exitCode } = inRoot(root, "collect", "--format", "jsonl", "--duration", "3s");
      expect({ stderr, exitCode }).toEqual({ stderr: expect.stringContaining("every field"), exitCode: EXIT.ok });
      const { events, summary } = parseOutput(stdout);
      const exec = events.find((event) => event.type === "exec" && event.comm === "true");
      expect(exec).toMatchObject({ exe: expect.stringContaining("true"), args: ["/bin/true", "of the root"] });
      // The process is chroot(8) before.
      const types = events.filter(({ pid }) => pid === exec?.pid).map(({ type }) => type);
      expect(types).toEqual(["fork", "exec", "exec", "exit"]);
      expect(summary?.backend).toBe("btf");
    });

    test("test --quick: comes to a verdict, with every process captured", () => {
      const { stdout, stderr, exitCode } = inRoot(root, "test", "--quick", "--json", "-");
      expect([EXIT.ok, EXIT.fail, EXIT.inconclusive] as number[]).toContain(exitCode ?? -1);
      const report = JSON.parse(stdout);
      expect(report.schema).toBe("linnix.overhead-test/1");
      expect(report.events.captured).toBe(report.events.spawned);
      expect(stderr).not.toContain("defect");
    });
  });
}

/** Makes a root by debootstrap(8), whole or not at all. */
async function makeRoot(suite: string, root: string): Promise<void> {
  if (existsSync(root)) return;
  mkdirSync(ROOTS, { recursive: true });
  const unfinished = `${root}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const debootstrap = ["debootstrap", "--variant=minbase", `--keyring=${KEYRING}`, suite, unfinished];
  // What it mounts goes with the namespace.
  const done = Bun.spawnSync(["unshare", "--mount", ...debootstrap, await systemMirror()], { stdin: null });
  if (done.exitCode !== 0) throw new Error(`debootstrap ${suite}: ${done.stdout.toString().slice(-2000)}`);
  renameSync(unfinished, root);
}

/** Runs the binary in a root with /proc and /sys, while a process of the root starts each half second. */
function inRoot(root: string, ...args: string[]) {
  const script = `
    mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys" || exit 99
    root=$1; shift
    (while sleep 0.5; do chroot "$root" /bin/true "of the root"; done) >/dev/null 2>&1 &
    others=$!
    chroot "$root" /linnix "$@"
    code=$?
    kill $others
    exit $code`;
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", NO_COLOR: "1" };
  const done = Bun.spawnSync(["unshare", "--mount", "sh", "-c", script, "sh", root, ...args], { env, stdin: null });
  return { stdout: done.stdout.toString(), stderr: done.stderr.toString(), exitCode: done.exitCode };
}
