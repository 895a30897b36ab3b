import { describe, expect, test } from "bun:test";
import { BestSampler } from "../../src/sampling/best-sampler.ts";
import type { Sampler, Sweep } from "../../src/sampling/sampler.ts";
import { NativeError } from "../../src/sys/errno.ts";
import { Record } from "../../src/wire/record.ts";

interface Part {
  /** The result of a scan; it may throw. */
  answer?: () => Partial<Sweep>;
  /** The maximum number of processes, and the sampler for more. */
  limit?: { processes: number; successor: () => Sampler };
}

/** The calls to the samplers, in order. */
class Story {
  readonly lines: string[] = [];
  processes = 10;
  walked = 10;
  readonly warn = (text: string) => void this.lines.push(`warn ${text}`);

  sampler(name: string, { answer, limit }: Part = {}): Sampler {
    this.lines.push(`open ${name}`);
    return {
      source: "proc",
      ...(limit ? { limit } : {}),
      sweep: (each) => {
        this.lines.push(`sweep ${name}`);
        const answered = answer?.();
        each(new Record());
        return { processes: this.processes, leftOutThreads: 0, unkept: 0, ...answered };
      },
      [Symbol.dispose]: () => void this.lines.push(`close ${name}`),
    };
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }
}

const refuse = () => {
  throw new Error("not here");
};

/** Runs a scan, and returns the number of its records. */
function told(sampler: Sampler): number {
  let records = 0;
  sampler.sweep(() => records++);
  return records;
}

describe("the best sampler", () => {
  test("is the first sampler that can be opened", () => {
    const story = new Story();
    using sampler = new BestSampler([refuse, () => story.sampler("b"), refuse], story.warn);
    expect(told(sampler)).toBe(1);
    expect(story.take()).toEqual(["open b", "sweep b"]);
    expect(() => new BestSampler([refuse], story.warn)).toThrow("not here");
  });

  test("is the next sampler if a scan is refused or stores nothing; the last sampler stays", () => {
    const story = new Story();
    const answer = () => {
      throw new NativeError("read", 1);
    };
    using sampler = new BestSampler(
      [
        () => story.sampler("a", { answer }),
        () => story.sampler("b", { answer: () => ({ unkept: 10 }) }),
        () => story.sampler("c", { answer: () => ({ unkept: 10 }) }),
      ],
      story.warn,
    );
    sampler.sweep(() => {});
    expect(story.take()).toEqual(["open a", "sweep a", "open b", "close a", "sweep b", "open c", "close b", "sweep c"]);
  });

  test("is the successor once there are too many processes, and does not switch back; each scan reports once", () => {
    const story = new Story();
    const most = { processes: 1000, successor: () => story.sampler("most") };
    const more = { processes: 100, successor: () => story.sampler("more", { limit: most }) };
    using sampler = new BestSampler([() => story.sampler("few", { limit: more })], story.warn);
    for (const processes of [100, 101, 102, 5, 1001, 5, 2000]) {
      story.processes = processes;
      expect(told(sampler)).toBe(1);
    }
    expect(story.take()).toEqual([
      "open few",
      "sweep few",
      "sweep few",
      "open more",
      "close few",
      "sweep more",
      "sweep more",
      "sweep more",
      "open most",
      "close more",
      "sweep most",
      "sweep most",
    ]);
  });

  test("is the successor once a walk passes too many processes, including zombies", () => {
    const story = new Story();
    const limit = { processes: 100, successor: () => story.sampler("more") };
    const few = story.sampler("few", { answer: () => ({ walked: story.walked }), limit });
    using sampler = new BestSampler([() => few], story.warn);
    story.take();
    for (const walked of [100, 101, 5]) {
      story.walked = walked;
      expect(told(sampler)).toBe(1);
    }
    expect(story.take()).toEqual(["sweep few", "sweep few", "open more", "close few", "sweep more"]);
  });

  test("stays if its successor cannot be opened, which is tried once and reported once", () => {
    const story = new Story();
    const limit = { processes: 9, successor: refuse };
    {
      using sampler = new BestSampler([() => story.sampler("few", { limit }), refuse], story.warn);
      for (let i = 0; i < 3; i++) expect(told(sampler)).toBe(1);
    }
    const said = story.take();
    expect(said.filter((line) => line.startsWith("warn"))).toEqual([
      expect.stringMatching(/^warn 10 processes .* 9, .*not here/),
    ]);
    expect(said.filter((line) => !line.startsWith("warn"))).toEqual([
      "open few",
      "sweep few",
      "sweep few",
      "sweep few",
      "close few",
    ]);
  });
});
