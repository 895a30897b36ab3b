import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEvent } from "../wire/parse-event.ts";
import { bpfIdsOf, bpftool, countOf, stillThere } from "./support/bpf-objects.ts";
import { parseOutput } from "./support/collect-output.ts";
import { CollectRun, endedWell, USUAL, until } from "./support/collect-run.ts";
import { BINARY, titled, whyNotHere } from "./support/needs.ts";
import { useFixture } from "./support/watching.ts";

setDefaultTimeout(60_000);

const fixture = useFixture(whyNotHere());

const reason = whyNotHere();
const ENVIRONMENT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" };

describe.skipIf(reason !== null)(titled("how a run ends", reason), () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`by ${signal}: writes all earlier events and the summary, with exit code 0`, async () => {
      await using collect = await CollectRun.start(["--format", "jsonl"]);
      const truths = await fixture().run("crowd", [50]);
      // Most likely nothing has been flushed yet: the flush interval is a second.
      const { events, summary } = await collect.stop(signal);
      for (const { pid } of truths.everyReaped()) {
        expect(events.filter((event) => event.pid === pid && event.type === "exit")).not.toEqual([]);
      }
      expect(summary.duration_s).toBeGreaterThan(0);
      expect(summary.cost.max_rss_bytes).toBeGreaterThan(0);
      expect(summary.cost.user_cpu_s + summary.cost.system_cpu_s).toBeGreaterThan(0);
    });
  }

  test("by two signals: the second does not shorten the run", async () => {
    await using collect = await CollectRun.start();
    collect.child.kill("SIGINT");
    const { exitCode, summary } = endedWell(await collect.stop("SIGINT"));
    expect({ exitCode, type: summary.type }).toEqual({ exitCode: 0, type: "summary" });
  });

  test("by --duration", async () => {
    const ended = endedWell(await CollectRun.toEnd([...USUAL, "--duration", "300ms"]));
    expect(ended.summary.duration_s).toBeGreaterThanOrEqual(0.3);
    expect(ended.stderr).not.toContain("error");
  });

  for (const format of ["none", "pretty"]) {
    test(`--format ${format} ends with its summary too`, async () => {
      const child = Bun.spawn([BINARY, "collect", "--format", format, "--duration", "300ms"], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        env: ENVIRONMENT,
      });
      await fixture().run("named");
      const text = await new Response(child.stdout).text();
      expect(await child.exited).toBe(0);
      if (format === "none") {
        expect(parseOutput(text)).toMatchObject({ events: [], summary: { type: "summary" } });
      } else {
        expect(text).toContain("sent by the kernel");
        // Names of processes must not control the reader's terminal.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is searched for
        expect(text.replaceAll("\n", "")).not.toMatch(/[\x00-\x1f\x7f]/);
      }
    });
  }

  test("without an error, when the reader of its output closes the pipe", async () => {
    const place = mkdtempSync(join(fixture().directory, "pipe-"));
    const status = join(place, "status");
    const child = Bun.spawn(
      ["sh", "-c", '{ "$@" 2>"$0.err"; echo $? >"$0"; } | head -n 1', status, BINARY, "collect", ...USUAL],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit", env: ENVIRONMENT },
    );
    await until("an end", () => {
      Bun.spawnSync(["/bin/true"]);
      return existsSync(status) && readFileSync(status, "utf8") !== "";
    });
    expect(readFileSync(status, "utf8")).toBe("0\n");
    expect(readFileSync(`${status}.err`, "utf8")).toMatch(/^linnix: watching by [^\n]*\n$/);
    expect(parseEvent(await new Response(child.stdout).text()).type).toBe("start");
  });

  test("by SIGTERM while nothing reads its output, with an error", async () => {
    const place = mkdtempSync(join(fixture().directory, "stuck-"));
    const fifo = join(place, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    await using reader = Bun.spawn(["sh", "-c", 'exec sleep 600 <"$0"', fifo], { stdin: "ignore" });
    await using child = Bun.spawn(["sh", "-c", 'exec "$@" >"$0"', fifo, BINARY, "collect", ...USUAL], {
      stdin: "ignore",
      stderr: "pipe",
      env: ENVIRONMENT,
    });
    const stderr = child.stderr.getReader();
    let said = "";
    const listen = async (forText: string) => {
      while (!said.includes(forText)) {
        const { value, done } = await stderr.read();
        if (done) break;
        said += new TextDecoder().decode(value);
      }
    };
    try {
      await listen("watching");
      // This is more than a pipe has room for, and the collector has time to write it.
      for (let i = 0; i < 300; i++) Bun.spawnSync(["/bin/true"]);
      await Bun.sleep(1500);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(3);
      await listen("does not read");
      expect(said).toContain("the reader of the output does not read");
    } finally {
      child.kill("SIGKILL");
      reader.kill("SIGKILL");
    }
  });

  test("by SIGTERM while its FIFO has no reader, by --duration while the FIFO has a reader", async () => {
    const fifo = join(mkdtempSync(join(fixture().directory, "unread-")), "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    const command = [BINARY, "collect", ...USUAL, "--output", fifo, "--duration", "100ms"];
    const options = { stdin: "ignore", stdout: "pipe", stderr: "pipe", env: ENVIRONMENT } as const;
    await using stopped = Bun.spawn(command, options);
    const { value } = await stopped.stderr.getReader().read();
    expect(new TextDecoder().decode(value)).toContain(`waiting for a reader of the FIFO ${fifo}`);
    stopped.kill("SIGTERM");
    expect(await stopped.exited).toBe(0);
    await using read = Bun.spawn(command, options);
    await read.stderr.getReader().read();
    await using reader = Bun.spawn(["cat", fifo], { stdin: "ignore", stdout: "pipe" });
    expect(await read.exited).toBe(0);
    expect(parseEvent((await new Response(reader.stdout).text()).trim().split("\n").at(-1) ?? "").type).toBe("summary");
  });

  test("with an error, when standard output is full", async () => {
    const child = Bun.spawn(["sh", "-c", 'exec "$0" "$@" >/dev/full', BINARY, "collect", ...USUAL], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      env: ENVIRONMENT,
    });
    await until("an end", () => {
      Bun.spawnSync(["/bin/true"]);
      return child.exitCode !== null;
    });
    expect(child.exitCode).toBe(3);
    const message = (await new Response(child.stderr).text()).split("\n").filter((line) => !line.includes("watching"));
    expect(message.join("\n")).toContain("standard output");
    expect(message.join("\n")).toContain("no space is left");
    expect(message.join("\n")).not.toMatch(/\bat .*:\d+/);
  });

  test("with an error, when the disk is full: all written lines are whole", async () => {
    const place = mkdtempSync(join(fixture().directory, "full-"));
    const script = 'mount -t tmpfs -o size=64k tmpfs "$1" && shift && { "$@"; status=$?; cat "$0"; exit $status; }';
    const file = join(place, "events.jsonl");
    const child = Bun.spawn(
      ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, file, place].concat([
        BINARY,
        "collect",
        ...USUAL,
        "--output",
        file,
      ]),
      { stdin: "ignore", stdout: "pipe", stderr: "pipe", env: ENVIRONMENT },
    );
    let rounds = 0;
    await until("an end", () => {
      // About 70 KiB in all, which is no more than the pipe stores without a reader.
      if (rounds++ < 400) Bun.spawnSync(["/bin/true"]);
      return child.exitCode !== null;
    });
    const [text, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect(child.exitCode).toBe(3);
    expect(stderr).toContain(file);
    expect(stderr).toContain("no space is left");
    expect(text.length).toBeGreaterThan(32 * 1024);
    // Every line is whole, and there is no summary because the run was cut off.
    expect(parseOutput(text)).toMatchObject({ summary: null });
  });

  test("--output: only the owner can read the file, and a second run appends to it", async () => {
    const place = mkdtempSync(join(fixture().directory, "output-"));
    const file = join(place, "events.jsonl");
    for (let run = 0; run < 2; run++) {
      await using collect = await CollectRun.start([...USUAL, "--output", file]);
      await fixture().run("fork");
      collect.child.kill("SIGTERM");
      const ended = await collect.ended();
      expect({ ...ended, stderr: "" }).toEqual({
        events: [],
        others: [],
        summary: null,
        exitCode: 0,
        signal: null,
        stderr: "",
      });
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n").map(parseEvent);
    expect(lines.filter(({ type }) => type === "summary")).toHaveLength(2);
    expect(lines.at(-1)?.type).toBe("summary");
  });

  test("--output to an impossible path: one message, exit code 2, and no file", async () => {
    const place = mkdtempSync(join(fixture().directory, "output-"));
    writeFileSync(join(place, "file"), "");
    for (const [path, why] of [
      [place, "directory"],
      [join(place, "none/events.jsonl"), "does not exist"],
      [join(place, "file/events.jsonl"), "not a directory"],
    ] as const) {
      const { exitCode, stderr, events } = await CollectRun.toEnd([...USUAL, "--output", path]);
      expect({ path, exitCode, events }).toEqual({ path, exitCode: 2, events: [] });
      expect(stderr).toContain(path);
      expect(stderr).toContain(why);
    }
    expect(readdirSync(place)).toEqual(["file"]);
  });

  for (const backend of existsSync("/sys/kernel/btf/vmlinux") ? ["btf", "tracepoint"] : ["tracepoint"]) {
    const why = bpftool === null ? "needs bpftool" : null;
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      test.skipIf(why !== null)(
        titled(`${signal} leaves no program, map or link, ${backend} backend`, why),
        async () => {
          const mounts = tracingMounts();
          await using collect = await CollectRun.start([...USUAL, "--backend", backend]);
          const ids = bpfIdsOf(collect.pid);
          expect(ids.programs.length).toBeGreaterThanOrEqual(3);
          expect(ids.maps.length).toBeGreaterThanOrEqual(3);
          expect(countOf(stillThere(ids))).toBe(countOf(ids));
          // linnix's own mount is detached: it is visible neither here nor in the mount namespace of linnix.
          expect(tracingMounts(collect.pid)).toEqual(mounts);
          collect.child.kill(signal);
          await collect.child.exited;
          // The kernel frees BPF objects a moment after the last file descriptor is closed.
          await until("all to be gone", () => countOf(stillThere(ids)) === 0);
          expect(tracingMounts()).toEqual(mounts);
        },
      );
    }
  }
});

/** Mounts of the filesystems that tracing tools mount. */
function tracingMounts(pid: number | "self" = "self"): string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, "utf8")
    .split("\n")
    .filter((line) => / - (tracefs|debugfs|bpf) /.test(line));
}
