import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { ExecEvent, ExitEvent, ProcessEvent } from "./support/collect-output.ts";
import { CollectRun, USUAL } from "./support/collect-run.ts";
import { type Identity, is } from "./support/fixture.ts";
import { titled, whyNoBtf, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

for (const [backend, reason] of [
  ["btf", whyNoBtf()],
  ["tracepoint", whyNotHere()],
] as const) {
  const args = [...USUAL, "--backend", backend];
  const isBtf = backend === "btf";

  describe.skipIf(reason !== null)(titled(`a process that started before the run, ${backend} backend`, reason), () => {
    function only(events: readonly ProcessEvent[], identity: Identity): ExitEvent {
      const own = events.filter((event) => is(event, identity));
      expect(own.map(({ type }) => type)).toEqual(["exit"]);
      return own[0] as ExitEvent;
    }

    test("its exit has its parent, its path, its arguments and its start", async () => {
      await using before = await fixture().commands();
      const main = await before.main();
      await using collect = await CollectRun.start(args);
      await before.end();
      const exit = only((await collect.stop()).events, main);
      expect(exit).toMatchObject({
        ppid: process.pid,
        comm: "process-fixture",
        exe: fixture().program,
        args: [fixture().program, "commands"],
        args_truncated: false,
      });
      // Only the kernel knows the exact start time; linnix takes none from /proc.
      expect(exit.duration_ns === null).toBe(!isBtf);
    });

    test("its threads are not reported as processes, and its exit has the name of the process", async () => {
      await using before = await fixture().commands();
      const main = await before.main();
      await before.run("own-threads", "ran-before");
      await using collect = await CollectRun.start(args);
      await before.run("own-thread-ends");
      await before.last("own-leader-ends");
      const exit = only((await collect.stop()).events, main);
      expect(exit).toMatchObject({ comm: "ran-before", exit_code: isBtf ? 9 : null });
    });

    test("its children have its executable and arguments until they execute something", async () => {
      await using before = await fixture().commands();
      const main = await before.main();
      await using collect = await CollectRun.start(args);
      const forks = await before.run("fork");
      const executed = (await before.run("exec-path", fixture().leaf, "leaf", "x")).reaped("executed");
      await before.end();
      const { events } = await collect.stop();
      for (const truth of forks.everyReaped()) {
        const exit = events.find((event) => event.type === "exit" && is(event, truth));
        expect(exit).toMatchObject({ ppid: main.pid, exe: fixture().program, args: [fixture().program, "commands"] });
      }
      const exec = events.find((event) => event.type === "exec" && is(event, executed)) as ExecEvent;
      expect(exec.old_comm).toBe("process-fixture");
      const exit = events.find((event) => event.type === "exit" && is(event, executed));
      expect(exit).toMatchObject({ exe: fixture().leaf, args: isBtf ? ["leaf", "x"] : null });
    });

    test("its exit has the program that it executes during the run", async () => {
      await using before = await fixture().commands();
      const main = await before.main();
      await using collect = await CollectRun.start(args);
      await before.last("become", fixture().leaf, "turned", "into");
      const { events } = await collect.stop();
      const own = events.filter((event) => is(event, main));
      expect(own.map(({ type }) => type)).toEqual(["exec", "exit"]);
      expect(own[0]).toMatchObject({ exe: fixture().leaf, old_comm: "process-fixture", ppid: process.pid });
      expect(own[1]).toMatchObject({ exe: fixture().leaf, args: isBtf ? ["turned", "into"] : null, comm: "leaf" });
    });

    test("an executable whose file was removed keeps its path", async () => {
      const copy = join(fixture().directory, "deleted soon");
      copyFileSync(fixture().program, copy);
      await using before = Bun.spawn([copy, "commands"], { stdin: "pipe", stdout: "pipe" });
      const first = await before.stdout.getReader().read();
      const main = JSON.parse(new TextDecoder().decode(first.value).split("\n")[0] ?? "") as Identity;
      unlinkSync(copy);
      await using collect = await CollectRun.start(args);
      await before.stdin.end();
      await before.exited;
      expect(only((await collect.stop()).events, main)).toMatchObject({ exe: copy, args: [copy, "commands"] });
    });

    test("more arguments than --max-args are cut", async () => {
      const many = Array.from({ length: 3000 }, (_, index) => `argument-${index}`);
      await using before = Bun.spawn(["/bin/sh", "-c", "read line", "sh", ...many], { stdin: "pipe" });
      await using collect = await CollectRun.start(args);
      const { pid } = before;
      await before.stdin.end();
      await before.exited;
      const { events } = await collect.stop();
      const exit = events.find((event) => event.type === "exit" && event.pid === pid) as ExitEvent;
      const whole = ["/bin/sh", "-c", "read line", "sh", ...many].join("\0");
      const kept = (exit.args ?? []).join("\0");
      expect(kept.length).toBeGreaterThan(512);
      expect(kept.length).toBeLessThanOrEqual(2048);
      expect(whole.startsWith(kept)).toBe(true);
      expect(exit.args_truncated).toBe(true);
    });
  });
}
