/** The binary in real root directories of other Debian versions, with nothing else installed. `npm run test:places` */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { EXIT } from "../../src/errors.ts";
import { versionText } from "../../src/version.ts";
import { expectAgreement } from "../kernel/support/agreement.ts";
import { parseOutput } from "../kernel/support/collect-output.ts";
import { titled } from "../kernel/support/needs.ts";
import { DEBIAN_ROOTS, debianRoot, whyNoDebianRoot } from "./support/debian-roots.ts";
import { inRootWithMounts } from "./support/roots.ts";

setDefaultTimeout(900_000);

for (const each of DEBIAN_ROOTS) {
  const { release, glibc } = each;
  const reason = whyNoDebianRoot(each);

  describe.skipIf(reason !== null)(titled(release, reason), () => {
    let root = "";

    beforeAll(async () => {
      root = await debianRoot(each);
    });

    test("doctor agrees with collect", async () => {
      await expectAgreement({ before: inRootWithMounts(root), binary: "/linnix" });
    });

    test("--version prints the version", () => {
      expect(inRoot(root, "--version")).toMatchObject({ stdout: `${versionText()}\n`, stderr: "", exitCode: EXIT.ok });
    });

    test("doctor reports that linnix can run, and the version of the C library", () => {
      const { stdout, exitCode } = inRoot(root, "doctor", "--json");
      const doctor = JSON.parse(stdout);
      expect(doctor).toMatchObject({ can: { collect: true, "overhead-test": true } });
      const library = doctor.checks.find(({ id }: { id: string }) => id === "c-library");
      expect(library).toMatchObject({ status: "ok", found: expect.stringContaining(`glibc ${glibc} `) });
      expect(exitCode).toBe(EXIT.ok);
    });

    test("collect reports every event of a known process", () => {
      const { stdout, stderr, exitCode } = inRoot(root, "collect", "--format", "jsonl", "--duration", "3s");
      expect({ stderr, exitCode }).toEqual({ stderr: expect.stringContaining("every field"), exitCode: EXIT.ok });
      const { events, summary } = parseOutput(stdout);
      const exec = events.find((event) => event.type === "exec" && event.comm === "true");
      expect(exec).toMatchObject({ exe: expect.stringContaining("true"), args: ["/bin/true", "of the root"] });
      // The process first executes chroot(8).
      const types = events.filter(({ pid }) => pid === exec?.pid).map(({ type }) => type);
      expect(types).toEqual(["fork", "exec", "exec", "exit"]);
      expect(summary?.backend).toBe("btf");
    });

    test("test --quick reaches a verdict, with every process captured", () => {
      const { stdout, stderr, exitCode } = inRoot(root, "test", "--quick", "--json", "-");
      expect([EXIT.ok, EXIT.fail, EXIT.inconclusive] as number[]).toContain(exitCode ?? -1);
      const report = JSON.parse(stdout);
      expect(report.schema).toBe("linnix.overhead-test/1");
      expect(report.events.captured).toBe(report.events.spawned);
      expect(stderr).not.toContain("defect");
    });
  });
}

/** Runs the binary in a root with /proc and /sys, while a process starts in that root every half second. */
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
