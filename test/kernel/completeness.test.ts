import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BpfLink } from "../../src/bpf/bpf-link.ts";
import { Completeness } from "../../src/collect/completeness.ts";
import { Conditions } from "../../src/collect/conditions.ts";
import { Backend, type BackendKind } from "../../src/probes/backend.ts";
import { btfBackend } from "../../src/probes/btf-backend.ts";
import { tracepointBackend } from "../../src/probes/tracepoint-backend.ts";
import { readCreatedTasks, whyNoCreatedTasks } from "../../src/procfs/created-tasks.ts";
import { boottimeNs } from "../../src/sys/clock.ts";
import { probeOptions } from "../collect/collector-options.ts";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const noCount = whyNoCreatedTasks();
const fixture = useFixture(reasonOf(whyNotHere(), noCount));
const CROWD = 100;
const THREADS = 8;

const folder = mkdtempSync(join(tmpdir(), "linnix-completeness-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Compiles the fixture for io_uring. Returns why it cannot run here; null if it can. */
function compileUring(program: string): string | null {
  const source = join(import.meta.dir, "../fixtures/uring/uring.c");
  const { success, stderr } = Bun.spawnSync(["gcc", "-std=gnu11", "-O1", "-o", program, source]);
  if (!success) return `io_uring's fixture cannot be compiled: ${stderr.toString().split("\n")[0]}`;
  return Bun.spawnSync([program]).exitCode === 0 ? null : "this kernel permits no io_uring";
}

/** A backend whose programs can be detached one by one, and its completeness. */
class Watch implements Disposable {
  readonly backend: Backend;
  readonly completeness: Completeness;
  #links: BpfLink[] = [];

  /** @param leftOut index, in the order of attaching, of a program that is detached from the start */
  constructor(kind: BackendKind, leftOut?: number) {
    const attach: BackendKind["attach"] = (...args) => {
      this.#links = kind.attach(...args);
      return this.#links.slice();
    };
    this.backend = new Backend({ ...kind, attach }, probeOptions());
    this.backend.attach();
    if (leftOut !== undefined) this.takeOff(leftOut);
    this.completeness = new Completeness(() => this.backend.createdTasks(), new Conditions());
    this.completeness.begin(boottimeNs());
  }

  takeOff(place: number): void {
    this.#links[place]?.close();
  }

  /** Attaches all programs again, without notifying `completeness`. */
  restore(): void {
    this.backend.detach();
    this.backend.attach();
  }

  async unexplained(): Promise<number | null> {
    await this.completeness.settle();
    return this.completeness.unexplained;
  }

  [Symbol.dispose](): void {
    this.backend.close();
  }
}

for (const [name, kind, notHere] of [
  ["btf", btfBackend, whyNoBtf()],
  ["tracepoint", tracepointBackend, whyNotHere()],
] as const) {
  const reason = reasonOf(notHere, noCount);
  describe.skipIf(reason !== null)(titled(`created tasks, ${name} backend`, reason), () => {
    test("processes and threads are all seen", async () => {
      using watch = new Watch(kind());
      await fixture().run("crowd", [CROWD]);
      await fixture().run("threads", [THREADS, 5]);
      expect(await watch.unexplained()).toBe(0);
      expect(watch.backend.createdTasks()).toBeGreaterThan(CROWD + THREADS);
    });

    test("exactly the tasks that start while a program is detached are missing", async () => {
      using watch = new Watch(kind());
      const created = () => readCreatedTasks() as number;
      const before = created();
      watch.takeOff(0);
      const off = created();
      await Promise.all([Bun.sleep(1000), fixture().run("crowd", [CROWD]), fixture().run("threads", [THREADS, 5])]);
      const stillOff = created();
      watch.restore();
      const after = created();
      const unexplained = await watch.unexplained();
      // Both bounds are equal if no other task was created at that moment.
      expect(unexplained).toBeGreaterThanOrEqual(stillOff - off);
      expect(unexplained).toBeLessThanOrEqual(after - before);
      expect(stillOff - off).toBeGreaterThan(CROWD + THREADS);
      await fixture().run("crowd", [CROWD]);
      expect(await watch.unexplained()).toBe(unexplained);
    });

    const program = join(folder, `uring-${name}`);
    const noUring = reason ?? compileUring(program);
    test.skipIf(noUring !== null)(titled("threads that the kernel adds for io_uring are seen", noUring), async () => {
      using watch = new Watch(kind());
      const { threads } = watch.backend.counts();
      for (let i = 0; i < 20; i++) expect(Bun.spawnSync([program]).exitCode).toBe(0);
      expect(watch.backend.counts().threads.started - threads.started).toBeGreaterThanOrEqual(20);
      expect(await watch.unexplained()).toBe(0);
    });

    test("a collector reports unexplained forks in /status, /metrics and its summary", async () => {
      const socket = join(folder, `${name}.sock`);
      await using collect = await CollectRun.start([...USUAL, "--backend", name, "--listen", `unix:${socket}`]);
      await fixture().run("crowd", [CROWD]);
      const status = await (await fetch("http://localhost/status", { unix: socket })).json();
      expect(status).toMatchObject({ unexplained_forks: 0 });
      const metrics = await (await fetch("http://localhost/metrics", { unix: socket })).text();
      expect(metrics).toContain("\nlinnix_unexplained_forks_total 0\n");
      expect((await collect.stop()).summary).toMatchObject({ unexplained_forks: 0 });
    });
  });
}
