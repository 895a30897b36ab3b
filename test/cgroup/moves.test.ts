import { describe, expect, test } from "bun:test";
import { type Move, MoveReader } from "../../src/cgroup/moves.ts";
import { MOVE, MOVES } from "../../src/wire/layout.gen.ts";

/** Memory for moves, written as the kernel side writes it. */
class Memory {
  readonly bytes = new ArrayBuffer(MOVES * MOVE.size);
  #count = 0;

  write(pid: number, path: string, tsNs = 1000n + BigInt(this.#count)): void {
    const at = (this.#count++ % MOVES) * MOVE.size;
    const view = new DataView(this.bytes, at, MOVE.size);
    new Uint8Array(this.bytes, at, MOVE.size).set(new TextEncoder().encode(`${path}\0`), MOVE.path);
    view.setBigUint64(MOVE.ts_ns, tsNs, true);
    view.setBigUint64(MOVE.start_ns, 2n ** 32n * 7n + BigInt(pid), true);
    view.setUint32(MOVE.pid, pid, true);
    view.setUint32(MOVE.hierarchy, 9, true);
    view.setBigUint64(MOVE.number, BigInt(this.#count), true);
  }
}

function all(reader: MoveReader, untilNs = Number.POSITIVE_INFINITY): Move[] {
  const moves: Move[] = [];
  for (let move = reader.next(untilNs); move; move = reader.next(untilNs)) moves.push(move);
  return moves;
}

describe("moves between cgroups", () => {
  test("are each read once, in order, and not before the time to which the reader asks", () => {
    const memory = new Memory();
    const reader = new MoveReader(memory);
    expect(all(reader)).toEqual([]);
    memory.write(5, "/docker/a");
    memory.write(6, "/docker/b", 2n ** 33n);
    expect(all(reader, 5000)).toEqual([
      { pid: 5, startLow: 5, startHigh: 7, hierarchy: 9, path: "/docker/a", tsNs: 1000 },
    ]);
    expect(all(reader, 2 ** 33).map(({ pid }) => pid)).toEqual([6]);
    expect(all(reader)).toEqual([]);
  });

  test("are counted as lost if they were overwritten before they were read; the others are returned", () => {
    const memory = new Memory();
    const reader = new MoveReader(memory);
    for (let pid = 1; pid <= 3; pid++) memory.write(pid, "/a");
    expect(all(reader)).toHaveLength(3);
    for (let pid = 4; pid <= 3 + MOVES; pid++) memory.write(pid, `/${pid}`);
    expect(all(reader).map(({ path }) => path)).toEqual(Array.from({ length: MOVES }, (_, i) => `/${i + 4}`));
    expect(reader.lost).toBe(0);
    for (let pid = 1; pid <= 2 * MOVES + 10; pid++) memory.write(pid, "/b");
    const told = all(reader);
    expect([told.length, told.at(0)?.pid, told.at(-1)?.pid]).toEqual([MOVES, MOVES + 11, 2 * MOVES + 10]);
    expect(reader.lost).toBe(MOVES + 10);
  });
});
