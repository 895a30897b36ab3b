import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placeSocket } from "../../src/api/unix-socket.ts";
import { LinnixError } from "../../src/errors.ts";
import { startMadeUp } from "./made-up.ts";

// The machine may be busy.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "linnix-socket-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ask = (path: string) => fetch("http://localhost/healthz", { unix: path });

async function refusal(path: string): Promise<string> {
  try {
    await using _server = await startMadeUp({ listen: `unix:${path}` });
    return "taken";
  } catch (error) {
    if (error instanceof LinnixError) return `${error.exitCode}: ${error.why}`;
    throw error;
  }
}

describe("a Unix socket", () => {
  test("is accessible only to its owner, needs no token, and is removed at the end", async () => {
    const path = join(folder, "a.sock");
    {
      await using server = await startMadeUp({ listen: `unix:${path}` });
      expect(server.api.url).toBe(`unix:${path}`);
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      expect(readdirSync(folder)).toEqual(["a.sock"]);
      expect((await ask(path)).status).toBe(200);
      expect((await fetch("http://evil.example/status", { unix: path })).status).toBe(200);
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is accessible to a group if that is configured", async () => {
    const path = join(folder, "group.sock");
    const { uid, gid } = {
      uid: process.geteuid?.() ?? 0,
      gid: process.geteuid?.() === 0 ? 12_345 : (process.getegid?.() ?? 0),
    };
    await using _server = await startMadeUp({ listen: `unix:${path}`, socketOwner: { uid, gid, isShared: true } });
    const status = lstatSync(path);
    expect({ mode: status.mode & 0o777, uid: status.uid, gid: status.gid }).toEqual({ mode: 0o660, uid, gid });
    expect((await ask(path)).status).toBe(200);
  });

  test("replaces a dead socket, but no live socket and no other file", async () => {
    const path = join(folder, "b.sock");
    const dead = Bun.spawnSync([
      process.execPath,
      "-e",
      `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response() }); process.kill(process.pid, "SIGKILL");`,
    ]);
    expect(dead.signalCode).toBe("SIGKILL");
    expect(existsSync(path)).toBe(true);
    {
      await using _server = await startMadeUp({ listen: `unix:${path}` });
      expect((await ask(path)).status).toBe(200);
      expect(await refusal(path)).toBe("3: another program listens there");
      expect((await ask(path)).status).toBe(200);
    }
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    expect(await refusal(file)).toBe("3: the file there is not a socket");
    symlinkSync(file, join(folder, "link"));
    expect(await refusal(join(folder, "link"))).toBe("3: the file there is not a socket");
    expect(readFileSync(file, "utf8")).toBe("precious");
    expect(await refusal(join(folder, "none", "c.sock"))).toBe(`3: there is no folder ${join(folder, "none")}`);
    expect(await refusal(join(file, "c.sock"))).toStartWith("3: ENOTDIR");
    expect(await refusal(join(folder, "x".repeat(120)))).toStartWith("2: the path of a socket has at most");
  });

  test.each(["SOCK_DGRAM", "SOCK_STREAM", "SOCK_SEQPACKET"])(
    "does not replace another process's socket: %s, bound, listening, with a full backlog",
    async (type) => {
      for (const state of type === "SOCK_DGRAM" ? ["bound"] : ["bound", "listening", "full"]) {
        const path = join(folder, `${type}-${state}.sock`);
        const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.${type}); s.bind(sys.argv[1])
kept = []
if sys.argv[2] != "bound": s.listen(0)
while sys.argv[2] == "full":
    c = socket.socket(socket.AF_UNIX, socket.${type}); c.setblocking(False); kept.append(c)
    try: c.connect(sys.argv[1])
    except BlockingIOError: break
print("ready", flush=True); sys.stdin.read()`;
        const owner = Bun.spawn(["python3", "-c", script, path, state], { stdin: "pipe", stdout: "pipe" });
        await owner.stdout.getReader().read();
        const { ino } = lstatSync(path);
        expect(await refusal(path)).toBe("3: another program listens there");
        expect(lstatSync(path).ino).toBe(ino);
        owner.stdin.end();
        await owner.exited;
        // Its owner has ended, so the socket is replaced.
        await using _server = await startMadeUp({ listen: `unix:${path}` });
        expect((await ask(path)).status).toBe(200);
      }
    },
  );

  test("belongs to one of several processes that start at the same moment, and no other process removes it", async () => {
    const path = join(folder, "f.sock");
    for (const isDeadThere of [true, false]) {
      if (isDeadThere) {
        using dead = Bun.listen({ unix: path, socket: { data: () => undefined } });
        // The state is as after SIGKILL: no process listens, and the file stays.
        linkSync(path, `${path}.kept`);
        dead.stop(true);
        renameSync(`${path}.kept`, path);
      }
      using stack = new DisposableStack();
      const listen = (made: string) => {
        const server = Bun.listen({ unix: made, socket: { data: () => undefined } });
        stack.defer(() => server.stop(true));
      };
      const results = await Promise.allSettled(Array.from({ length: 8 }, () => placeSocket(path, undefined, listen)));
      const placed = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
      expect(placed).toHaveLength(1);
      expect(reasons.map(({ exitCode, why }: LinnixError) => [exitCode, why])).toEqual(
        Array(7).fill([3, "another program listens there"]),
      );
      expect(readdirSync(folder).filter((name) => name.includes("f.sock"))).toEqual(["f.sock"]);
      placed[0]?.remove();
      expect(existsSync(path)).toBe(false);
    }
  });

  test("the leftovers of a killed process are removed", async () => {
    const path = join(folder, "g.sock");
    mkdirSync(join(folder, ".linnix-g.sock"), { mode: 0o700 });
    writeFileSync(join(folder, ".linnix-g.sock", "s"), "");
    {
      await using _server = await startMadeUp({ listen: `unix:${path}` });
      expect((await ask(path)).status).toBe(200);
      expect(readdirSync(folder).filter((name) => name.includes("g.sock"))).toEqual(["g.sock"]);
    }
    const mine = join(folder, ".linnix-g.sock");
    mkdirSync(mine, { mode: 0o755 });
    expect(await refusal(path)).toBe(`3: ${mine} exists, and it is not a folder of this user alone`);
    rmSync(mine, { recursive: true });
    symlinkSync(folder, mine);
    expect(await refusal(path)).toBe(`3: ${mine} exists, and it is not a folder of this user alone`);
    rmSync(mine);
  });

  test("a path may have the maximal length of a socket path", async () => {
    const path = join(folder, "y".repeat(106 - folder.length));
    expect(Buffer.byteLength(path)).toBe(107);
    await using _server = await startMadeUp({ listen: `unix:${path}` });
    expect((await ask(path)).status).toBe(200);
  });

  test("an account that may write to the folder cannot make linnix change the owner of another file", async () => {
    const place = join(folder, "shared");
    mkdirSync(place);
    const victim = join(folder, "victim");
    writeFileSync(victim, "root's alone");
    chmodSync(victim, 0o644);
    const { uid, gid } = statSync(victim);
    const isRoot = uid === 0;
    using stack = new DisposableStack();
    const swap = (made: string) => {
      const server = Bun.listen({ unix: made, socket: { data: () => undefined } });
      stack.defer(() => server.stop(true));
      // The owner of the folder may do this between any two steps.
      const [name = ""] = readdirSync(place);
      renameSync(join(place, name), join(place, "moved"));
      mkdirSync(join(place, name));
      symlinkSync(victim, join(place, name, "s"));
    };
    const placed = await placeSocket(join(place, "e.sock"), isRoot ? { uid: 65534, gid: 65534 } : { uid, gid }, swap);
    const now = statSync(victim);
    expect([now.uid, now.gid, now.mode & 0o777]).toEqual([uid, gid, 0o644]);
    expect(lstatSync(join(place, "e.sock"))).toMatchObject(isRoot ? { uid: 65534, gid: 65534 } : { uid, gid });
    expect(lstatSync(join(place, "e.sock")).mode & 0o777).toBe(0o600);
    placed.remove();
    expect(existsSync(join(place, "e.sock"))).toBe(false);
  });

  test("a file that replaced the socket meanwhile is not removed", async () => {
    const path = join(folder, "d.sock");
    {
      await using _server = await startMadeUp({ listen: `unix:${path}` });
      rmSync(path);
      writeFileSync(path, "another's");
    }
    expect(readFileSync(path, "utf8")).toBe("another's");
  });
});
