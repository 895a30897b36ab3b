import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceManager } from "../../src/collect/service-manager.ts";

const folder = mkdtempSync(join(tmpdir(), "linnix-manager-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SCRIPT = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True: print(repr(s.recv(4096).decode()), flush=True)`;

/** A socket like that of a service manager, in Python, because the runtime has no Unix datagrams. */
async function manager(name: string) {
  const path = join(folder, name);
  const child = Bun.spawn(["python3", "-c", SCRIPT, path], { stdout: "pipe" });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const line = async () => {
    while (!text.includes("\n")) text += (await reader.read()).value ?? "";
    const end = text.indexOf("\n");
    const taken = text.slice(0, end);
    text = text.slice(end + 1);
    return taken;
  };
  await line();
  return {
    path,
    next: async () => (await line()).slice(1, -1).split("\\n"),
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await child.exited;
    },
  };
}

const hasPython = Bun.which("python3") !== null;

describe("a service manager", () => {
  test.skipIf(!hasPython)("gets every change of state (skipped without python3)", async () => {
    await using systemd = await manager("states");
    const reports = ServiceManager.from({ NOTIFY_SOCKET: systemd.path }, () => 12_345_678_901);
    expect(reports?.maxFlushMs).toBe(Number.POSITIVE_INFINITY);
    reports?.ready("Watching");
    expect(await systemd.next()).toEqual(["READY=1", "STATUS=Watching"]);
    reports?.looked();
    reports?.reloading();
    expect(await systemd.next()).toEqual(["RELOADING=1", "MONOTONIC_USEC=12345678", "STATUS=Reloading"]);
    reports?.stopping();
    expect(await systemd.next()).toEqual(["STOPPING=1", "STATUS=Stopping"]);
  });

  test.skipIf(!hasPython)(
    "gets watchdog messages more than twice in its timeout (skipped without python3)",
    async () => {
      await using systemd = await manager("watchdog");
      let nowNs = 0;
      const env = { NOTIFY_SOCKET: systemd.path, WATCHDOG_USEC: "8000000", WATCHDOG_PID: String(process.pid) };
      const reports = ServiceManager.from(env, () => nowNs);
      expect(reports?.maxFlushMs).toBe(2000);
      // No message comes before READY=1.
      reports?.looked();
      reports?.ready("Watching");
      expect(await systemd.next()).toContain("READY=1");
      expect(await systemd.next()).toEqual(["WATCHDOG=1"]);
      for (const [second, isSent] of [
        [1, false],
        [2, true],
        [3, false],
        [4, true],
      ] as const) {
        nowNs = second * 1e9;
        reports?.looked();
        if (isSent) expect(await systemd.next()).toEqual(["WATCHDOG=1"]);
      }
      reports?.stopping();
      nowNs = 100e9;
      reports?.looked();
      expect(await systemd.next()).toContain("STOPPING=1");
    },
  );

  test("that expects another process gets no watchdog messages, and its absence is no error", () => {
    const from = (env: object) => ServiceManager.from({ NOTIFY_SOCKET: "/nowhere", ...env })?.maxFlushMs;
    expect(ServiceManager.from({})).toBeUndefined();
    expect(ServiceManager.from({ NOTIFY_SOCKET: "" })).toBeUndefined();
    expect(from({ WATCHDOG_USEC: "2000000", WATCHDOG_PID: "1" })).toBe(Number.POSITIVE_INFINITY);
    expect(from({ WATCHDOG_USEC: "2000000" })).toBe(500);
    for (const wrong of ["", "0", "-1", "x", "1e9"])
      expect(from({ WATCHDOG_USEC: wrong })).toBe(Number.POSITIVE_INFINITY);
    ServiceManager.from({ NOTIFY_SOCKET: "/nowhere" })?.ready("Watching");
  });
});
