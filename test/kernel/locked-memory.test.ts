import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { READING_THREADS } from "../../src/sys/aio.ts";
import { CollectRun, USUAL, until } from "./support/collect-run.ts";
import { is } from "./support/fixture.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { inMounts } from "./support/places.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const SOURCE = join(import.meta.dir, "../fixtures/locked/locked.c");
const noFuse = existsSync("/dev/fuse") ? null : "needs /dev/fuse";
const folder = mkdtempSync(join(tmpdir(), "linnix-locked-"));
const program = join(folder, "locked");
const socket = join(folder, "api.sock");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Processes whose command lines cannot be read while the fixture's filesystem is mounted. */
class Locked implements AsyncDisposable {
  readonly #child: Bun.Subprocess<"pipe", "pipe", "inherit">;
  #said = "";

  private constructor(count: number) {
    const command = [program, join(folder, "mount"), String(count)];
    this.#child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  }

  static async start(count: number): Promise<Locked> {
    const locked = new Locked(count);
    void locked.#read();
    await until("all to be locked", () => new Set(locked.#said.match(/^held \d+$/gm)).size === count);
    return locked;
  }

  get pids(): number[] {
    return [...this.#said.matchAll(/^victim \d+ (\d+)$/gm)].map(([, pid]) => Number(pid));
  }

  /** Ends the filesystem; the processes keep running. */
  async unlock(): Promise<void> {
    this.#child.stdin.write("\n");
    await this.#child.stdin.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.end();
    await this.#child.exited;
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) this.#said += decoder.decode(bytes, { stream: true });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what is tested
const getJson = async (path: string): Promise<any> => (await fetch(`http://localhost${path}`, { unix: socket })).json();

const fixture = useFixture(reasonOf(whyNotHere(), noFuse));

for (const [backend, notHere] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  const reason = reasonOf(notHere, noFuse);
  describe.skipIf(reason !== null)(titled(`processes with locked memory, ${backend} backend`, reason), () => {
    const args = [...USUAL, "--backend", backend];
    beforeAll(() => {
      mkdirSync(join(folder, "mount"), { recursive: true });
      const { stderr, success } = Bun.spawnSync(["gcc", "-std=gnu11", "-O1", "-o", program, SOURCE]);
      if (!success) throw new Error(stderr.toString());
    });

    test("linnix starts, reports events and all other processes' arguments, and SIGTERM ends it", async () => {
      await using earlier = await fixture().commands();
      const main = await earlier.main();
      await using locked = await Locked.start(3);
      await using later = await fixture().commands();
      const laterMain = await later.main();
      await using collect = await CollectRun.start([...args, "--listen", `unix:${socket}`]);
      for (const pid of locked.pids) {
        expect(await getJson(`/processes/${pid}`)).toMatchObject({ pid, exe: program, args: null });
        expect((await getJson(`/graph/${pid}`)).process).toMatchObject({ pid, args: null });
      }
      for (const { pid } of [main, laterMain]) {
        const answer = await getJson(`/processes/${pid}`);
        expect(answer).toMatchObject({ exe: fixture().program, args: [fixture().program, "commands"] });
      }
      const truths = await fixture().run("exec-path", [fixture().leaf, "leaf", "x"]);
      const executed = truths.reaped("executed");
      await collect.event("an exec", (event) => event.type === "exec" && is(event, executed));
      expect(collect.stderr).toContain("cannot be read");
      // stop() checks for exit code 0, a summary and balanced counts.
      await collect.stop("SIGTERM");
    });

    test("linnix reports their arguments once their memory is no longer locked", async () => {
      await using locked = await Locked.start(2);
      await using collect = await CollectRun.start([...args, "--listen", `unix:${socket}`]);
      await locked.unlock();
      for (const pid of locked.pids) {
        const deadline = Date.now() + 30_000;
        let answer = await getJson(`/processes/${pid}`);
        while (answer.args === null && Date.now() < deadline) {
          await Bun.sleep(20);
          answer = await getJson(`/processes/${pid}`);
        }
        expect(answer).toMatchObject({ exe: program, args: [program, "victim", expect.stringContaining(folder)] });
      }
      await collect.stop();
    });

    test("linnix starts with more such processes than it has reader threads", async () => {
      await using locked = await Locked.start(READING_THREADS + 4);
      await using collect = await CollectRun.start(args);
      const executed = (await fixture().run("exec-path", [fixture().leaf, "leaf", "x"])).reaped("executed");
      await collect.event("an exec", (event) => event.type === "exec" && is(event, executed));
      expect(locked.pids.length).toBe(READING_THREADS + 4);
      await collect.stop();
    });

    test.each([0, 1, 2])("linnix drops root nevertheless, with hidepid=%d", async (hidepid) => {
      await using locked = await Locked.start(1);
      await using earlier = await fixture().commands();
      const main = await earlier.main();
      const before = inMounts(`mount -t proc -o hidepid=${hidepid} proc /proc`);
      await using collect = await CollectRun.start([...args, "--user", "nobody"], { before });
      expect(locked.pids.length).toBe(1);
      await earlier.end();
      const exit = await collect.event("an exit", (event) => event.type === "exit" && is(event, main));
      expect(exit).toMatchObject({ exe: fixture().program, args: [fixture().program, "commands"] });
      await collect.stop();
    });

    test("--pid works for such a process", async () => {
      await using locked = await Locked.start(1);
      await using collect = await CollectRun.start([...args, "--pid", String(locked.pids[0])]);
      await collect.stop();
    });
  });
}
