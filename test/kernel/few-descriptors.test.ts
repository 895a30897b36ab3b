import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CollectRun, until } from "./support/collect-run.ts";
import { titled, whyNotHere } from "./support/needs.ts";

setDefaultTimeout(60_000);

const reason = whyNotHere();
/** Number of connections that the kernel completes before they are accepted: the backlog of the runtime. */
const MAX_FILES = 512;

/** Keeps that many connections open, and reopens each connection that linnix closes to make room. */
const CLIENT = `
  const [port, count] = process.argv.slice(1).map(Number);
  const open = async () => {
    const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {}, close: () => void open().catch(() => {}) } });
    // The kernel passes no connection on that sends nothing (TCP_DEFER_ACCEPT).
    socket.write("G");
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: count }, open));
  console.log(sockets.length);
  setInterval(() => {}, 1000);`;

describe.skipIf(reason !== null)(titled("connections that take all descriptors", reason), () => {
  test("do not end the run: events go on, and requests are answered again later", async () => {
    const args = ["--format", "jsonl", "--flush-interval", "2s", "--ring-size", "4MiB", "--listen", "127.0.0.1:0"];
    const before = ["/bin/sh", "-c", `ulimit -n ${MAX_FILES}; exec "$@"`, "sh"];
    await using collect = await CollectRun.start(args, { before });
    const port = await until("its port", () => /answering at http:\/\/127\.0\.0\.1:(\d+)/.exec(collect.stderr)?.[1]);
    // All connections wait when linnix continues.
    process.kill(collect.pid, "SIGSTOP");
    const clients = Array.from({ length: 2 }, () =>
      Bun.spawn([process.execPath, "-e", CLIENT, port, String(MAX_FILES / 2)], { stdout: "pipe" }),
    );
    try {
      for (const client of clients) await client.stdout.getReader().read();
      process.kill(collect.pid, "SIGCONT");
      await until("a word of the descriptors", () => collect.stderr.includes("no file descriptors are left"));
      const limit = await until("a word of the limit", () => /has more than (\d+) conn/.exec(collect.stderr)?.[1]);
      expect(Number(limit)).toBeLessThan(MAX_FILES / 2);
      const { pid } = Bun.spawnSync(["/bin/true"]);
      await collect.event("an exit", (event) => event.type === "exit" && event.pid === pid);
    } finally {
      for (const client of clients) client.kill("SIGKILL");
    }
    const samples = () => collect.others.filter(({ type }) => type === "sample").length;
    const samplesThen = samples();
    await until("samples", () => samples() > samplesThen);
    expect(await answered(port)).toBe(true);
    const { stderr } = await collect.stop();
    expect(stderr.match(/no file descriptors/g)).toHaveLength(1);
  });
});

/** Waits until a request is answered. */
async function answered(port: string): Promise<boolean> {
  for (;;) {
    try {
      return (await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      await Bun.sleep(50);
    }
  }
}
