/** docs/linnix.service under a real systemd: start, requests, reload, kill and stop. */
import { afterAll, afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cgroup2Mount } from "../../src/cgroup/cgroup.ts";
import { bpfIdsOf, bpftool, countOf, stillThere } from "./support/bpf-objects.ts";
import { until } from "./support/collect-run.ts";
import { reasonOf, titled, whyNoBtf } from "./support/needs.ts";
import { Systemd, whyNoSystemd } from "./support/systemd.ts";

setDefaultTimeout(60_000);

const UNIT = join(import.meta.dir, "../../docs/linnix.service");
const SERVICE = "linnix.service";

const mount = cgroup2Mount();
const lacking = reasonOf(
  whyNoBtf(),
  whyNoSystemd(),
  bpftool === null && "needs bpftool",
  mount === undefined && "the cgroup v2 hierarchy is not mounted",
);
// systemd cannot start in every environment: some containers permit no mounts.
const booted = lacking === null ? await Systemd.boot(mount ?? "", UNIT).catch((error: Error) => error) : null;
const reason = lacking ?? (booted instanceof Error ? `no systemd comes up here: ${oneLine(booted)}` : null);

function oneLine({ message }: Error): string {
  return message.trim().replace(/\s+/g, " ").slice(0, 200);
}

describe.skipIf(reason !== null)(titled("as a service of systemd", reason), () => {
  const systemd = booted as Systemd;
  afterEach(() => {
    systemd.run("systemctl", "stop", SERVICE);
    systemd.run("systemctl", "reset-failed", SERVICE);
    rmSync(systemd.path(`/run/units/${SERVICE}.d`), { recursive: true, force: true });
  });
  afterAll(() => systemd[Symbol.asyncDispose]());

  /** Starts the service with additional lines in the [Service] section of its unit. */
  function start(...lines: string[]): { exitCode: number; stderr: string } {
    const folder = systemd.path(`/run/units/${SERVICE}.d`);
    mkdirSync(folder);
    const settings = ["StandardOutput=null", "StandardError=truncate:/run/stderr", ...lines];
    writeFileSync(join(folder, "test.conf"), `[Service]\n${settings.join("\n")}\n`);
    systemd.systemctl("daemon-reload");
    return systemd.run("systemctl", "start", SERVICE);
  }

  const collect = (options: string) => ["ExecStart=", `ExecStart=/usr/local/bin/linnix collect ${options}`];
  const stderr = () => readFileSync(systemd.path("/run/stderr"), "utf8");
  const get = (path: string) =>
    fetch(`http://localhost${path}`, { unix: systemd.path("/run/linnix/linnix.sock") }).catch(() => undefined);
  // biome-ignore lint/suspicious/noExplicitAny: what an answer holds is what is tested
  const getJson = async (path: string): Promise<any> => (await get(path))?.json();

  async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
    for (let tries = 0; tries < 1000; tries++) {
      const found = await look();
      if (found) return found;
      await Bun.sleep(20);
    }
    throw new Error(`waited in vain for ${what}: ${stderr()}\n${systemd.run("systemctl", "status", SERVICE).stdout}`);
  }

  const ready = () =>
    eventually("it to be ready", async () => {
      const response = await get("/readyz");
      return response?.status === 200 && response;
    });

  /** The only process of the service. */
  const mainPid = () => {
    const pids = systemd.pidsOf(SERVICE);
    expect(pids).toHaveLength(1);
    return pids[0] as number;
  };

  const result = () => {
    const { Result, ExecMainStatus, ActiveState, NRestarts } = systemd.properties(
      SERVICE,
      "Result",
      "ExecMainStatus",
      "ActiveState",
      "NRestarts",
    );
    return { result: Result, status: ExecMainStatus, state: ActiveState, restarts: NRestarts };
  };

  test("systemd-analyze accepts the unit", () => {
    const said = systemd.run("systemd-analyze", "verify", `/run/units/${SERVICE}`);
    expect(said).toEqual({ exitCode: 0, stdout: "", stderr: "" });
  });

  test("watches with every field, and leaves no BPF program behind when it is stopped", async () => {
    expect(start()).toMatchObject({ exitCode: 0, stderr: "" });
    // The service counts as started once linnix watches.
    expect((await get("/readyz"))?.status).toBe(200);
    const status = await getJson("/status");
    expect(status).toMatchObject({ backend: "btf", missing_fields: [], lost: 0 });
    const pid = mainPid();
    const self = await getJson(`/processes/${pid}`);
    // The path is the host's, although this systemd is in a cgroup namespace.
    expect(self).toMatchObject({ comm: "linnix", cgroup: expect.stringMatching(/.\/system\.slice\/linnix\.service$/) });
    expect(self.unit).toBe(SERVICE);
    const before = status.received.exit;
    Bun.spawnSync(["/bin/true"]);
    await eventually("an exit", async () => (await getJson("/status")).received.exit > before);
    const ids = bpfIdsOf(pid);
    expect(ids.programs.length).toBeGreaterThan(2);
    expect(countOf(stillThere(ids))).toBe(countOf(ids));
    expect(systemd.systemctl("stop", SERVICE)).toBe("");
    expect(result()).toMatchObject({ result: "success", state: "inactive" });
    expect(systemd.pidsOf(SERVICE)).toEqual([]);
    await until("the kernel to let go", () => countOf(stillThere(ids)) === 0);
    expect(await get("/healthz")).toBeUndefined();
    // This systemd is the first process of a pid namespace.
    const warnings = stderr()
      .split("\n")
      .filter((line) => line.includes("warning"));
    expect(warnings).toEqual([expect.stringContaining("a pid namespace other than the initial one")]);
  });

  test("systemctl reload makes linnix read its configuration again", async () => {
    const path = systemd.path("/run/linnix.toml");
    writeFileSync(path, "[sampling]\ninterval = '1s'\n", { mode: 0o600 });
    start("Environment=LINNIX_CONFIG=/run/linnix.toml");
    await ready();
    const pid = mainPid();
    writeFileSync(path, "[sampling]\ninterval = '3s'\n");
    systemd.systemctl("reload", SERVICE);
    await eventually("it", async () => (await getJson("/status")).sampling.interval_ms === 3000);
    expect(mainPid()).toBe(pid);
    expect(result()).toMatchObject({ state: "active", restarts: "0" });
  });

  test("systemd restarts the service after a SIGHUP that ended it before its first line", async () => {
    const hangUpOnce = "test -e /run/once || { touch /run/once; kill -HUP $$$$; }";
    const command = "exec linnix collect --format none --listen unix:/run/linnix/linnix.sock";
    start("ExecStart=", `ExecStart=/bin/sh -c '${hangUpOnce}; PATH=/usr/local/bin ${command}'`);
    await ready();
    expect(result()).toMatchObject({ state: "active", restarts: "1" });
  });

  test("a wrong configuration: the service fails without a restart, and logs why", async () => {
    writeFileSync(systemd.path("/run/linnix.toml"), "[sampling]\nintervall = '1s'\n", { mode: 0o600 });
    expect(start("Environment=LINNIX_CONFIG=/run/linnix.toml")).not.toMatchObject({ exitCode: 0 });
    expect(result()).toEqual({ result: "exit-code", status: "2", state: "failed", restarts: "0" });
    expect(stderr()).toContain("/run/linnix.toml:2: sampling.intervall");
  });

  test("systemd restarts the service after SIGKILL", async () => {
    start();
    await ready();
    const pid = mainPid();
    process.kill(pid, "SIGKILL");
    await until("it to be started again", () => result().restarts === "1" && systemd.pidsOf(SERVICE).length === 1);
    await ready();
    expect(mainPid()).not.toBe(pid);
  });

  test("writes events into a new file after rotation", async () => {
    const log = systemd.path("/var/log/linnix/events.jsonl");
    start(...collect("--format jsonl --output /var/log/linnix/events.jsonl --listen unix:/run/linnix/linnix.sock"));
    await ready();
    systemd.systemctl("stop", SERVICE);
    expect(JSON.parse(readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "")).toMatchObject({ type: "summary" });
  });

  test("works with classic tracepoints, which need tracefs", async () => {
    start(...collect("--format none --backend tracepoint --listen unix:/run/linnix/linnix.sock"));
    const status = await eventually("an answer", () => getJson("/status"));
    expect(status).toMatchObject({ backend: "tracepoint" });
  });

  test("runs as another user from the start, and drops root with --user", async () => {
    const capabilities = /^CapabilityBoundingSet=(.*)$/m.exec(readFileSync(UNIT, "utf8"))?.[1];
    const uid = () => /^Uid:\t(.*)$/m.exec(readFileSync(`/proc/${mainPid()}/status`, "utf8"))?.[1];
    start("User=nobody", `AmbientCapabilities=${capabilities}`);
    await ready();
    expect(uid()).toBe("65534\t65534\t65534\t65534");
    systemd.systemctl("stop", SERVICE);
    rmSync(systemd.path(`/run/units/${SERVICE}.d`), { recursive: true });
    const listen = "--format none --user nobody --listen unix:/run/linnix/linnix.sock";
    expect(start("CapabilityBoundingSet=CAP_SETUID CAP_SETGID", ...collect(listen))).not.toMatchObject({ exitCode: 0 });
    // The reason why it cannot run may pass, so systemd restarts it some seconds later.
    expect(result()).toMatchObject({ status: "3", state: "activating", restarts: "0" });
    expect(stderr()).toMatch(/^linnix: cannot listen at [^\n]*CAP_CHOWN\n {2}add that capability, or [^\n]*\n$/);
    systemd.systemctl("stop", SERVICE);
    rmSync(systemd.path(`/run/units/${SERVICE}.d`), { recursive: true });
    start("CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_CHOWN", ...collect(listen));
    await ready();
    expect(uid()).toBe("65534\t65534\t65534\t65534");
    systemd.systemctl("stop", SERVICE);
    expect(result()).toMatchObject({ result: "success", state: "inactive" });
  });
});
