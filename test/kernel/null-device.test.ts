/** The set-up of the tests on a machine where /dev/null was replaced by a file. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf, succeeds, titled } from "./support/needs.ts";

// Another account may not be allowed to read this tree.
const directory = mkdtempSync(join(tmpdir(), "linnix-null-device-"));
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true, force: true }));
for (const name of ["null-device.mjs", "common.mjs"]) {
  copyFileSync(join(import.meta.dir, "../../scripts/setup", name), join(directory, name));
}
const SET_UP = join(directory, "null-device.mjs");
const reason = reasonOf(!succeeds("unshare", "--mount", "true") && "needs root, and may not make a mount namespace");

/** Runs the set-up as user $1 in its own mount namespace, where /dev/null is a file. */
const SCRIPT = `
set -e
mount -t tmpfs none /mnt
cp -a /dev/zero /mnt/
printf '[user]\\n' >/mnt/null
mount --move /mnt /dev
status=0
setpriv --reuid "$1" --regid "$1" --clear-groups \
  node -e 'import(process.argv[1]).then((module) => module.setUpNullDevice())' "$2" </dev/zero || status=$?
stat -c '%F %t:%T %a' /dev/null
ls /dev
exit $status
`;

function setUpAs(uid: number) {
  const command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh", `${uid}`, SET_UP];
  const { stdout, stderr, exitCode } = Bun.spawnSync(command, { stdin: "ignore" });
  return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode };
}

describe.skipIf(reason !== null)(titled("a file in the place of /dev/null", reason), () => {
  test("the set-up restores the null device as root, and leaves no other file", () => {
    const { stdout, stderr, exitCode } = setUpAs(0);
    expect({ stdout, exitCode }).toEqual({ stdout: "character special file 1:3 666\nnull\nzero\n", exitCode: 0 });
    expect(stderr).toContain("making the null device there");
  });

  test("the set-up prints the fix for another account", () => {
    const { stdout, stderr, exitCode } = setUpAs(65534);
    expect(stdout).toStartWith("regular file");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("as root: rm /dev/null && mknod -m 666 /dev/null c 1 3");
  });
});
