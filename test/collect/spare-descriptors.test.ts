import { expect, test } from "bun:test";
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "../../src/collect/spare-descriptors.ts");

/** Uses up all descriptors except two, then all, and prints whether work could use descriptors. */
const SCRIPT = `
  import { closeSync, openSync } from "node:fs";
  const { SpareDescriptors } = await import(process.argv[1]);
  const descriptors = new SpareDescriptors();
  const done = [];
  const use = (count) => done.push(descriptors.use(count, () => {}));
  use(1);
  const taken = [];
  try {
    for (;;) taken.push(openSync("/", "r"));
  } catch {}
  use(1);
  closeSync(taken.pop());
  closeSync(taken.pop());
  use(2);
  use(3);
  // Here the kernel itself reports the lack.
  const { NativeError } = await import(process.argv[2]);
  done.push(descriptors.use(1, () => { throw new NativeError("bpf_iter_create", 24); }));
  try {
    descriptors.use(1, () => { throw new NativeError("bpf_iter_create", 1); });
  } catch ({ message }) {
    done.push(message);
  }
  for (const fd of taken) closeSync(fd);
  use(3);
  console.log(JSON.stringify(done));`;

test("work that needs descriptors is postponed without free descriptors, with one warning", () => {
  const errors = join(import.meta.dir, "../../src/sys/errno.ts");
  const command = [process.execPath, "-e", SCRIPT, SOURCE, errors];
  const { stdout, stderr } = Bun.spawnSync(["/bin/sh", "-c", 'ulimit -n 64; exec "$@"', "sh", ...command]);
  expect(String(stderr).trimEnd().split("\n")).toEqual([
    expect.stringMatching(/^linnix: warning: no file descriptors are left/),
  ]);
  const notPermitted = expect.stringContaining("EPERM");
  expect(JSON.parse(String(stdout))).toEqual([true, false, true, false, false, notPermitted, true]);
});
