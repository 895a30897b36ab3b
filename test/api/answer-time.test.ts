import { describe, expect, test } from "bun:test";
import { AnswerTime } from "../../src/api/answer-time.ts";

describe("the time of answers", () => {
  let cpuNs = 0;
  const pass = (ns: number) => {
    cpuNs += ns;
  };
  const started = () => new AnswerTime(() => cpuNs);

  test("is the time from a request until other work begins", () => {
    const time = started();
    pass(100);
    expect(time.ns).toBe(0);
    time.begin();
    pass(5);
    time.end();
    pass(100);
    expect(time.ns).toBe(5);
    time.begin();
    pass(7);
    expect(time.ns).toBe(12);
    time.end();
    expect(time.ns).toBe(12);
  });

  test("counts once for several requests, and goes on after work that a request had to wait for", () => {
    const time = started();
    time.begin();
    pass(3);
    time.begin();
    pass(3);
    // The rings are read for this request.
    time.end();
    time.end();
    pass(1000);
    time.begin();
    pass(3);
    time.end();
    expect(time.ns).toBe(9);
  });
});
