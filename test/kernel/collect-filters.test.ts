import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import type { ProcessEvent } from "./support/collect-output.ts";
import { CollectRun, type EndedWell, type StartOptions, USUAL, until } from "./support/collect-run.ts";
import { type Identity, is, storyOf, type Truths } from "./support/fixture.ts";
import { isRunning } from "./support/machine.ts";
import { reasonOf, titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const BACKENDS = [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const;

function typesOf(events: readonly ProcessEvent[], identity: Identity): string {
  return events
    .filter((event) => is(event, identity))
    .map(({ type }) => type)
    .join(" ");
}

/** Runs something while a collector with a filter watches, and returns the collector's output. */
async function seen<T>(
  args: readonly string[],
  run: (collect: CollectRun) => Promise<T>,
  options: StartOptions = {},
): Promise<EndedWell & { result: T }> {
  await using collect = await CollectRun.start([...USUAL, ...args], options);
  const result = await run(collect);
  return { ...(await collect.stop()), result };
}

for (const [backend, reason] of BACKENDS) {
  const withBackend = ["--backend", backend];

  describe.skipIf(reason !== null)(titled(`filters in the kernel, ${backend} backend`, reason), () => {
    test("--pid: only that process and its descendants are reported", async () => {
      await using chosen = await fixture().commands();
      await using other = await fixture().commands();
      const main = await chosen.main();
      const { events, summary, result } = await seen([...withBackend, "--pid", String(chosen.pid)], async () => {
        const stranger = await other.run("fork");
        const chain = await chosen.run("chain", 5);
        const orphan = await chosen.run("double-fork");
        const executed = await chosen.run("exec-path", fixture().leaf, "leaf");
        const sibling = await chosen.run("clone-parent");
        await chosen.end();
        // The orphan exits at any time, and its end of the pipe closes shortly before its exit.
        await until("the orphan to end", () => !isRunning(orphan.self("orphan").pid));
        return { stranger, chain, orphan, executed, sibling };
      });
      const { stranger, chain, orphan, executed, sibling } = result;
      for (const truth of stranger.everyReaped()) expect(typesOf(events, truth)).toBe("");
      for (const truth of chain.everyReaped()) expect(typesOf(events, truth)).toBe("fork exit");
      expect(typesOf(events, orphan.self("orphan"))).toBe("fork exit");
      expect(typesOf(events, executed.reaped("executed"))).toBe("fork exec exit");
      expect(typesOf(events, sibling.reaped("sibling"))).toBe("fork exit");
      // The process itself started before the run, so only its exit is reported.
      expect(typesOf(events, main)).toBe("exit");
      const family = new Set([main, ...Object.values(result).flatMap(identitiesOf)].map(({ pid }) => pid));
      expect(events.filter(({ pid }) => !family.has(pid))).toEqual([]);
      expect(summary.filtered.fork).toBeGreaterThanOrEqual(3);
      expect(summary.filtered.exit).toBeGreaterThanOrEqual(3);
    });

    test("--pid: descendants that started before the run are followed", async () => {
      await using root = await fixture().commands();
      // A shell is a child of the chosen process, and the fixture is the shell's child: it forks great-grandchildren.
      await using chosen = Bun.spawn(["/bin/sh", "-c", '"$1" commands; exit 3', "sh", fixture().program], {
        stdin: "pipe",
        stdout: "pipe",
        env: {},
      });
      const reader = chosen.stdout.getReader();
      const first = new TextDecoder().decode((await reader.read()).value);
      const inner = JSON.parse(first.split("\n")[0] ?? "") as { pid: number; ppid: number; start_ticks: number };
      expect(inner.ppid).toBe(chosen.pid);
      const { events } = await seen([...withBackend, "--pid", String(chosen.pid)], async () => {
        await root.run("fork");
        chosen.stdin.write("fork\n");
        await chosen.stdin.end();
        while (!(await reader.read()).done);
        await chosen.exited;
      });
      expect(typesOf(events, inner)).toBe("exit");
      const children = events.filter(({ type, ppid }) => type === "fork" && ppid === inner.pid);
      expect(children).toHaveLength(3);
      const end = events.find(({ type, pid }) => type === "exit" && pid === chosen.pid);
      expect(end).toBeDefined();
      const family = new Set([chosen.pid, inner.pid, ...children.map(({ pid }) => pid)]);
      expect(events.filter(({ pid }) => !family.has(pid))).toEqual([]);
    });

    test("--uid: reports events at which the process belonged to that user", async () => {
      const { events, result } = await seen([...withBackend, "--uid", "23456,23457"], () =>
        fixture().run("ids", [23456, 1234]),
      );
      expect(typesOf(events, result.main)).toBe("");
      expect(typesOf(events, result.reaped("turned-user"))).toBe("exit");
      expect(typesOf(events, result.reaped("of-that-user"))).toBe("fork exit");
      expect(new Set(events.map(({ uid }) => uid))).toEqual(new Set([23456]));
    });

    test("--comm: reports events at which the process had that name", async () => {
      const { events, result } = await seen([...withBackend, "--comm", "leaf,another"], () =>
        fixture().run("exec-path", [fixture().leaf, "x"]),
      );
      expect(typesOf(events, result.main)).toBe("");
      const executed = result.reaped("executed");
      expect(typesOf(events, executed)).toBe("exec exit");
      expect(new Set(events.map(({ comm }) => comm))).toEqual(new Set(["leaf"]));
      const [exec, exit] = events.filter((event) => is(event, executed));
      expect(exec).toMatchObject({ exe: fixture().leaf });
      expect(exit).toMatchObject({ exe: fixture().leaf });
    });

    test("--comm of fifteen bytes: the whole name must match", async () => {
      const { events, result } = await seen([...withBackend, "--comm", "process-fixture"], () => fixture().run("fork"));
      for (const truth of result.everyReaped()) expect(typesOf(events, truth)).toBe("fork exit");
      const none = await seen([...withBackend, "--comm", "process-fixtur"], () => fixture().run("fork"));
      expect(none.events).toEqual([]);
    });

    test("--min-duration: only exits of shorter processes are filtered", async () => {
      const { events, summary, result } = await seen([...withBackend, "--min-duration", "150ms"], () =>
        fixture().run("lifetimes", [300]),
      );
      expect(typesOf(events, result.reaped("long"))).toBe("fork exit");
      expect(typesOf(events, result.reaped("short"))).toBe("fork");
      expect(typesOf(events, result.main)).toBe("fork exec exit");
      expect(summary.filtered.exit).toBeGreaterThanOrEqual(1);
      for (const event of events) {
        if (event.type === "exit" && event.duration_ns !== null) {
          expect(Number(event.duration_ns)).toBeGreaterThanOrEqual(149e6);
        }
      }
    });

    test("several filters: an event must match all of them", async () => {
      const args = [...withBackend, "--comm", "process-fixture", "--uid", "23456", "--min-duration", "0"];
      const { events, result } = await seen(args, async () => {
        await fixture().run("fork");
        return fixture().run("ids", [23456, 1234]);
      });
      expect(typesOf(events, result.reaped("of-that-user"))).toBe("fork exit");
      expect(new Set(events.map(({ uid }) => uid))).toEqual(new Set([23456]));
    });

    for (const wanted of [["fork"], ["exec"], ["exit"], ["fork", "exec"], ["fork", "exit"], ["exec", "exit"]]) {
      test(`--events ${wanted.join(",")}`, async () => {
        const args = [...withBackend, "--events", wanted.join(",")];
        const { events, summary, result } = await seen(args, () => fixture().run("exec-path", [fixture().leaf, "x"]), {
          wanted,
        });
        expect(typesOf(events, result.reaped("executed"))).toBe(wanted.join(" "));
        expect(new Set(events.map(({ type }) => type))).toEqual(new Set(wanted) as Set<"fork">);
        // An exit has the executable of the last exec, whether or not that exec is reported.
        if (wanted.includes("exit")) {
          const exit = events.find((event) => event.type === "exit" && is(event, result.reaped("executed")));
          expect(exit).toMatchObject({ exe: fixture().leaf, args: backend === "btf" ? ["x"] : null });
          expect(summary.received.exec).toBeGreaterThan(0);
        } else {
          expect(summary.received.exit).toBe(0);
          expect(summary.emitted.exit).toBe(0);
        }
        // A process without an exec since its fork runs the program that its parent ran at the fork.
        if (!wanted.includes("fork") && !wanted.includes("exit")) expect(summary.emitted.fork).toBe(0);
      });
    }
  });
}

function identitiesOf(truths: Truths): Identity[] {
  return truths.all.filter((truth): truth is typeof truth & Identity => "pid" in truth);
}

const mount = whyNotHere() === null ? cgroup2Mount() : undefined;
for (const [backend, whyNot] of BACKENDS) {
  const reason = reasonOf(whyNot, mount === undefined && "the cgroup v2 hierarchy is not mounted");

  describe.skipIf(reason !== null)(titled(`--cgroup, ${backend} backend`, reason), () => {
    const path = (...names: string[]) => [mount ?? "", ...names].join("/");
    let name = "";

    beforeAll(() => {
      name = mkdtempSync(path("linnix-test-")).slice(path("").length);
      mkdirSync(path(name, "inner"));
    });
    afterAll(async () => {
      for (const directory of [path(name, "inner"), path(name)]) {
        await until(`${directory} to be empty`, () => {
          try {
            rmdirSync(directory);
            return true;
          } catch {
            return false;
          }
        });
      }
    });

    for (const by of ["path", "id"] as const) {
      test(`by ${by}: reports events in that cgroup and below it`, async () => {
        const cgroup = by === "path" ? `/${name}` : String(statSync(path(name), { bigint: true }).ino);
        const { events, result } = await seen(["--backend", backend, "--cgroup", cgroup], async () => ({
          outside: await fixture().run("fork"),
          inside: await fixture().run("cgroup", [path(name)]),
          below: await fixture().run("cgroup", [path(name, "inner")]),
        }));
        for (const truth of result.outside.everyReaped()) expect(typesOf(events, truth)).toBe("");
        for (const { reaped, main } of [result.inside, result.below].map((truths) => ({
          reaped: (label: string) => truths.reaped(label),
          main: truths.main,
        }))) {
          expect(typesOf(events, main)).toBe("");
          expect(typesOf(events, reaped("moved-there"))).toBe("exit");
          expect(typesOf(events, reaped("born-there"))).toBe("fork exit");
        }
        expect(events).toHaveLength(6);
      });
    }

    test("works inside a cgroup namespace, with its own mount and with the machine's mount", async () => {
      // linnix runs in the cgroup that it sees as the root.
      const enter = 'echo 0 > "$1/cgroup.procs" && shift && exec unshare --cgroup --mount "$@"';
      const remount = `umount ${mount} && mount -t cgroup2 none ${mount} && exec "$@"`;
      for (const [cgroup, inside] of [
        ["/inner", ["/bin/sh", "-c", remount, "sh"]],
        [`/${name}/inner`, []],
      ] as const) {
        const args = ["--backend", backend, "--cgroup", cgroup];
        const before = ["/bin/sh", "-c", enter, "sh", path(name), ...inside];
        const { events, result } = await seen(
          args,
          async () => {
            await fixture().run("cgroup", [path(name)]);
            return await fixture().run("cgroup", [path(name, "inner")]);
          },
          { before },
        );
        expect(typesOf(events, result.reaped("moved-there"))).toBe("exit");
        expect(typesOf(events, result.reaped("born-there"))).toBe("fork exit");
        expect(events).toHaveLength(3);
      }
    });

    test("reports a child that is created in the cgroup by clone3", async () => {
      const args = ["--backend", backend, "--cgroup", `/${name}`];
      const { events, result } = await seen(args, () => fixture().run("into-cgroup", [path(name)]));
      const types = typesOf(events, result.reaped("born-there"));
      // At a fork, classic tracepoints know the cgroup of the forking process, not that of the child.
      expect(types).toBe(backend === "btf" ? "fork exit" : "exit");
    });

    test("refuses a cgroup that does not exist, and a file inside a cgroup", async () => {
      for (const cgroup of [`/${name}/none`, `/${name}/cgroup.procs`]) {
        const args = ["--backend", backend, "--cgroup", cgroup, "--duration", "100ms"];
        const { exitCode, stderr, events } = await CollectRun.toEnd(args);
        expect({ exitCode, events }).toEqual({ exitCode: 2, events: [] });
        expect(stderr).toContain(cgroup);
      }
    });
  });
}

describe.skipIf(whyNoBtf() !== null)(titled("exe and args behind a filter", whyNoBtf()), () => {
  test("are null, not those of an earlier program, if the exec was filtered", async () => {
    const { program, leaf } = fixture();
    await using before = await fixture().commands();
    const main = await before.main();
    const { events } = await seen(["--comm", "renamed"], async () => {
      // The fixture executes itself again under a filtered name, and takes the wanted name only then.
      await before.last("become", program, leaf, "rename-self", "renamed");
    });
    const [exit] = events.filter((event) => is(event, main));
    expect(exit).toMatchObject({ type: "exit", comm: "renamed" });
    if (exit?.type !== "exit") return;
    expect([exit.exe, exit.args, exit.args_truncated]).toEqual([null, null, null]);
  });

  test("of a process that was only forked are its parent's, whether or not the fork is reported", async () => {
    const { events, result } = await seen(["--events", "exit"], () => fixture().run("fork"), { wanted: ["exit"] });
    const [forked] = result.everyReaped();
    const exit = events.find((event) => forked !== undefined && is(event, forked));
    expect(exit).toMatchObject({ type: "exit", exe: fixture().program, args: [fixture().program, "fork"] });
  });

  test("of a process whose events all passed are complete", async () => {
    const { events, result } = await seen(["--uid", "0"], () => fixture().run("exec-path", [fixture().leaf, "x", "y"]));
    const story = storyOf(events, result.reaped("executed"));
    expect(story.exit).toMatchObject({ exe: fixture().leaf, args: ["x", "y"] });
  });
});
