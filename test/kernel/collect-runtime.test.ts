import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

const NUL = "\0";
const SETTINGS = [
  "BUN_GC_TIMER_DISABLE=1",
  "BUN_JSC_numberOfGCMarkers=1",
  "BUN_JSC_useConcurrentGC=0",
  "BUN_JSC_useConcurrentJIT=0",
  "BUN_JSC_useEagerCodeBlockJettisonTiming=1",
  "BUN_JSC_useFTLJIT=0",
  "BUN_JSC_useWarmUpMarkedBlocks=0",
  "MIMALLOC_PURGE_DELAY=0",
  "MIMALLOC_PURGE_HOLES_LARGE_FLOOR=0",
];

function read(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8");
}

describe.skipIf(whyNotHere() !== null)(titled("the runtime of a collector", whyNotHere()), () => {
  test("runs in the started process, under the name linnix", async () => {
    await using run = await CollectRun.start(USUAL, { env: { PATH: "/usr/bin", SOME: "words = and more" } });
    const { pid } = run.child;
    expect(read(pid, "comm").trimEnd()).toBe("linnix");
    expect(read(pid, "cmdline").split(NUL).slice(1, -1)).toEqual(["collect", ...USUAL]);
    const env = read(pid, "environ").split(NUL).slice(0, -1).sort();
    expect(env).toEqual([...SETTINGS, "PATH=/usr/bin", "SOME=words = and more"]);
  });

  test("ignores runtime settings in its caller's environment", async () => {
    const env = { PATH: "/usr/bin", BUN_JSC_useDFGJIT: "0", BUN_JSC_useFTLJIT: "1", MIMALLOC_SHOW_STATS: "1" };
    await using run = await CollectRun.start(USUAL, { env });
    const left = read(run.child.pid, "environ").split(NUL).slice(0, -1).sort();
    expect(left).toEqual([...SETTINGS, "PATH=/usr/bin"]);
  });
});
