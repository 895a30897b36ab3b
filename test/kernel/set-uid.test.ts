import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const NOBODY = "65534";

/** A copy of sleep with the set-uid and set-gid bits. */
class SetIds implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "linnix-set-uid-"));
  readonly program = join(this.#directory, "sleep");

  constructor() {
    chmodSync(this.#directory, 0o755);
    copyFileSync("/bin/sleep", this.program);
    chmodSync(this.program, 0o6755);
  }

  async run(): Promise<number> {
    const ids = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"];
    const child = Bun.spawn(["setpriv", ...ids, this.program, "0"], { stderr: "inherit" });
    expect(await child.exited).toBe(0);
    return child.pid;
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true });
  }
}

const noSetpriv = Bun.which("setpriv") === null ? "setpriv is missing" : null;
const noStart = statSync("/bin/sleep", { throwIfNoEntry: false }) ? null : "/bin/sleep is missing";

for (const [backend, needs] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  const reason = reasonOf(needs, reasonOf(noSetpriv, noStart));

  describe.skipIf(reason !== null)(titled(`a set-uid program, ${backend} backend`, reason), () => {
    test("has the caller's real ids, and the effective ones if the backend knows them", async () => {
      using program = new SetIds();
      await using collect = await CollectRun.start([...USUAL, "--backend", backend]);
      const pid = await program.run();
      const { events } = await collect.stop();
      const [exec] = events.filter((event) => event.type === "exec" && event.pid === pid && event.comm === "sleep");
      const effective = backend === "btf" ? { euid: 0, egid: 0 } : { euid: null, egid: null };
      expect(exec).toMatchObject({ uid: Number(NOBODY), gid: Number(NOBODY), ...effective });
      // This test is the parent of the process.
      const parent = events.find((event) => event.pid === pid && event.type === "fork");
      expect(parent?.ppid).toBe(process.pid);
      if (backend === "btf") expect(exec?.parent_start_ns).toBeGreaterThan(0n);
      else expect(exec).toMatchObject({ parent_start_ns: null, auid: null });
    });

    test.skipIf(backend === "tracepoint")("passes --uid by either id", async () => {
      using program = new SetIds();
      for (const uid of ["0", NOBODY]) {
        await using collect = await CollectRun.start([...USUAL, "--backend", backend, "--uid", uid]);
        const pid = await program.run();
        const { events } = await collect.stop();
        const types = events.filter((event) => event.pid === pid && event.comm === "sleep").map(({ type }) => type);
        expect([uid, types]).toEqual([uid, ["exec", "exit"]]);
      }
    });
  });
}
