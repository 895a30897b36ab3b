import { describe, expect, test } from "bun:test";
import { type Line, Screen } from "../../src/top/screen.ts";

const SIZE = { rows: 3, columns: 20 };
const lines = (...texts: string[]): Line[] => texts.map((text) => ({ text }));

function screenOf(room: () => number = () => Number.POSITIVE_INFINITY, hasColor = false) {
  const written: string[] = [];
  const write = (bytes: Uint8Array) => {
    const taken = Math.min(bytes.length, room());
    if (taken > 0) written.push(new TextDecoder().decode(bytes.subarray(0, taken)));
    return taken;
  };
  return { screen: new Screen(write, hasColor), text: () => written.splice(0).join("") };
}

describe("the screen", () => {
  test("is first written whole, then only in changed rows", () => {
    const { screen, text } = screenOf();
    screen.draw(lines("a", "b", "c"), SIZE);
    expect(text()).toBe("\x1b[1;1H\x1b[Ka\x1b[2;1H\x1b[Kb\x1b[3;1H\x1b[Kc");
    screen.draw(lines("a", "x", "c"), SIZE);
    expect(text()).toBe("\x1b[2;1H\x1b[Kx");
    screen.draw(lines("a", "x", "c"), SIZE);
    expect(text()).toBe("");
    screen.draw(lines("a"), SIZE);
    expect(text()).toBe("\x1b[2;1H\x1b[K\x1b[3;1H\x1b[K");
  });

  test("is written whole at another size, and after it is invalidated", () => {
    const { screen, text } = screenOf();
    screen.draw(lines("a", "b", "c"), SIZE);
    text();
    screen.draw(lines("a", "b"), { rows: 2, columns: 20 });
    expect(text()).toBe("\x1b[1;1H\x1b[Ka\x1b[2;1H\x1b[Kb");
    screen.forget();
    screen.draw(lines("a", "b"), { rows: 2, columns: 20 });
    expect(text()).toBe("\x1b[1;1H\x1b[Ka\x1b[2;1H\x1b[Kb");
  });

  test("has colour escapes only if colour is on", () => {
    const painted: Line[] = [{ text: "a", tone: "bad" }];
    const plain = screenOf();
    plain.screen.draw(painted, SIZE);
    expect(plain.text()).not.toContain("m");
    const coloured = screenOf(undefined, true);
    coloured.screen.draw(painted, SIZE);
    expect(coloured.text()).toContain("\x1b[31ma\x1b[0m");
  });

  test("first completes a write that a slow terminal accepted in part", () => {
    let room = 6;
    const { screen, text } = screenOf(() => {
      const now = room;
      room = 0;
      return now;
    });
    screen.draw(lines("abc"), { rows: 1, columns: 20 });
    expect(screen.isBehind).toBe(true);
    screen.draw(lines("def"), { rows: 1, columns: 20 });
    expect(text()).toBe("\x1b[1;1H");
    room = 1000;
    screen.draw(lines("ghi"), { rows: 1, columns: 20 });
    expect(text()).toBe("\x1b[Kabc");
    room = 1000;
    screen.draw(lines("ghi"), { rows: 1, columns: 20 });
    expect(text()).toBe("\x1b[1;1H\x1b[Kghi");
    expect(screen.isBehind).toBe(false);
  });
});
