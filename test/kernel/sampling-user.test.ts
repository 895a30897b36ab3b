import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CollectRun, until } from "./support/collect-run.ts";
import { titled, whyNoBtf } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNoBtf();
const directory = mkdtempSync(join(tmpdir(), "linnix-test-"));
// The account that linnix changes to must be able to read the configuration.
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A run that has dropped root, and whose configuration switches sampling. */
async function start(name: string, interval: string) {
  const path = join(directory, name);
  const write = (text: string) =>
    writeFileSync(
      path,
      `[output]\nformat = 'jsonl'\n[ring]\nsize = '4MiB'\nflush_interval = '20ms'\n` +
        `[budget]\ncpu = 0\n[api]\nlisten = '127.0.0.1:0'\n[sampling]\ninterval = ${text}\n`,
      { mode: 0o644 },
    );
  write(interval);
  const collect = await CollectRun.start(["--config", path, "--user", "nobody"]);
  const url = await until("its address", () => /answering at (\S+)/.exec(collect.stderr)?.[1]);
  let reloads = 0;
  return {
    collect,
    source: async () => {
      const { sampling } = (await (await fetch(new URL("/status", url))).json()) as { sampling: { source: string } };
      return sampling?.source ?? null;
    },
    samples: () => collect.others.filter(({ type }) => type === "sample").length,
    interval: async (text: string) => {
      write(text);
      collect.child.kill("SIGHUP");
      reloads++;
      await until("it to read again", () => collect.stderr.match(/configuration read again/g)?.length === reloads);
    },
    [Symbol.asyncDispose]: () => collect[Symbol.asyncDispose](),
  };
}

describe.skipIf(reason !== null)(titled("sampling after root was dropped", reason), () => {
  test("that was switched off goes on from the same source", async () => {
    await using run = await start("again.toml", "'50ms'");
    await until("samples", () => run.samples() > 0);
    const source = await run.source();
    await run.interval("0");
    expect(await run.source()).toBeNull();
    const samplesThen = run.samples();
    await Bun.sleep(300);
    expect(run.samples()).toBe(samplesThen);
    await run.interval("'50ms'");
    expect(await run.source()).toBe(source);
    await until("samples again", () => run.samples() > samplesThen);
    const { stderr } = await run.collect.stop();
    expect(stderr).not.toContain("after root was dropped");
  });

  test("that was off from the start reads /proc, and a message says so once", async () => {
    await using run = await start("late.toml", "0");
    expect(await run.source()).toBeNull();
    await run.interval("'50ms'");
    await until("samples", () => run.samples() > 0);
    expect(await run.source()).toBe("proc");
    await run.interval("0");
    await run.interval("'70ms'");
    const { stderr } = await run.collect.stop();
    expect(
      stderr.match(
        /warning: CPU and memory are read from \/proc, because no cheaper sampler can be loaded after root was dropped/g,
      ),
    ).toHaveLength(1);
  });
});
