import { describe, expect, test } from "bun:test";
import type { Status } from "../../src/api/answers.ts";
import { Asking } from "../../src/page/asking.ts";
import { Client, Refusal } from "../../src/page/client.ts";
import { Model } from "../../src/page/model.ts";
import { answersWith, commandsWith, groupsWith, statusWith } from "./made-up.ts";

/** A daemon that records its requests. */
class Daemon extends Client {
  asked: string[] = [];
  status: Status = statusWith();
  readonly refusals = new Map<string, Refusal>();

  override async get(path: string): Promise<unknown> {
    this.asked.push(path);
    const route = path.replace(/\?.*/, "");
    const refusal = this.refusals.get(route);
    if (refusal) throw refusal;
    const { processes } = answersWith();
    return { "/status": this.status, "/commands": commandsWith([]), "/groups": groupsWith(), "/processes": processes }[
      route
    ];
  }

  override async reasons(): Promise<readonly string[]> {
    this.asked.push("/readyz");
    return ["a reason"];
  }
}

function begin() {
  const [daemon, model] = [new Daemon(), new Model()];
  const asking = new Asking(daemon, model);
  const load = async (isAll = false) => {
    daemon.asked = [];
    const answers = await asking.load({ sort: "rss", isAll }, new AbortController().signal);
    model.take(answers, performance.now(), 0);
    return answers;
  };
  return { daemon, model, asking, load };
}

describe("one refresh", () => {
  test("requests the first rows of processes, and more rows only for a search", async () => {
    const { daemon, load } = begin();
    await load();
    expect(daemon.asked.toSorted()).toEqual([
      "/commands?window=1m&limit=200",
      "/groups",
      "/processes?limit=24&sort=rss",
      "/readyz",
      "/status?history=false",
    ]);
    await load(true);
    expect(daemon.asked).toContain("/processes?limit=1000&sort=rss");
  });

  test("requests commands and groups alternately after the second refresh", async () => {
    const { daemon, model, load } = begin();
    const turns = [];
    for (let i = 0; i < 5; i++) {
      await load();
      turns.push(["/commands", "/groups"].filter((route) => daemon.asked.join().includes(route)).join());
    }
    expect(turns).toEqual(["/commands,/groups", "/commands,/groups", "/commands", "/groups", "/commands"]);
    // Data that was not requested stays.
    expect([model.hasGroups, model.short]).toEqual([true, { perSecond: 1, cpuPct: 1, busySharePct: 2 }]);
  });

  test("requests the reasons every third time, and when the status changes", async () => {
    const { daemon, asking, load } = begin();
    const askedAt = async () => {
      const { reasons } = await load();
      expect(reasons).toEqual(daemon.asked.includes("/readyz") ? ["a reason"] : null);
      return reasons !== null;
    };
    const times = [];
    for (let i = 0; i < 7; i++) times.push(await askedAt());
    expect(times).toEqual([true, false, false, true, false, false, true]);
    daemon.status = statusWith({ budget: { level: 1, step: "fewer_samples" as const, cost_pct: 2, budget_pct: 1 } });
    expect([await askedAt(), await askedAt()]).toEqual([true, false]);
    asking.begin();
    expect(await askedAt()).toBe(true);
  });

  test("goes on if the daemon lacks a route, and fails at any other refusal", async () => {
    const { daemon, model, load } = begin();
    daemon.refusals.set("/groups", new Refusal(404, "groups are off"));
    daemon.refusals.set("/commands", new Refusal(409, "summary"));
    expect(await load()).toMatchObject({ groups: null, commands: null });
    expect(model.hasGroups).toBe(false);
    // Groups are sums over the processes: the first rows are not enough.
    await load();
    expect(daemon.asked).toContain("/processes?limit=1000&sort=rss");
    daemon.refusals.set("/commands", new Refusal(503, "stopping"));
    expect(await load().catch((error: Refusal) => error.status)).toBe(503);
    daemon.refusals.clear();
    daemon.status = statusWith({ detail: "summary" });
    expect((await load()).commands).toBeNull();
    expect(daemon.asked.join()).not.toContain("/commands");
  });
});
