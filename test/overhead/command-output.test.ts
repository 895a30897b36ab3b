import { expect, setDefaultTimeout, test } from "bun:test";
import { fstatSync, openSync } from "node:fs";
import { CommandSubject } from "../../src/overhead/command-subject.ts";
import { PrivateFolder } from "../../src/sys/private-folder.ts";

setDefaultTimeout(60_000);

const needsRoot = process.geteuid?.() === 0 ? "" : " (skipped: needs root)";

test.skipIf(needsRoot !== "")(`endless output of a command does not fill the disk${needsRoot}`, async () => {
  using folder = new PrivateFolder("linnix-overhead-");
  await using running = await new CommandSubject(["yes"], folder).start(new AbortController().signal);
  const fd = openSync(`/proc/${running.roots[0]}/fd/1`, "r");
  let fell = 0;
  for (let last = 0; fell < 3; ) {
    const { size } = fstatSync(fd);
    if (size < last) fell++;
    last = size;
    await Bun.sleep(1);
  }
  // The file is truncated repeatedly, not only once for each sample.
  expect(fell).toBe(3);
});
