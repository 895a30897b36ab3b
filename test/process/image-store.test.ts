import { describe, expect, test } from "bun:test";
import { ImageStore, NO_IMAGE } from "../../src/process/image-store.ts";
import { Prng } from "../../src/stats/prng.ts";

interface Image {
  exe: Uint8Array;
  args: Uint8Array;
  flags: number;
  references: number;
}

function randomBytes(prng: Prng, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => prng.index(256));
}

/** Creates an image and writes its bytes, as the table does. */
function put(store: ImageStore, exe: Uint8Array, args: Uint8Array, flags: number): number {
  const image = store.create(exe.length, args.length, flags);
  store.bytesOf(image).set(exe, store.exeStart(image));
  store.bytesOf(image).set(args, store.exeStart(image) + exe.length);
  return image;
}

function expectHolds(store: ImageStore, image: number, expected: Image): void {
  expect(store.exeLength(image)).toBe(expected.exe.length);
  expect(store.argsLength(image)).toBe(expected.args.length);
  expect(store.flags(image)).toBe(expected.flags);
  const bytes = store.bytesOf(image);
  const start = store.exeStart(image);
  const args = start + expected.exe.length;
  expect(Buffer.compare(bytes.subarray(start, args), expected.exe)).toBe(0);
  expect(Buffer.compare(bytes.subarray(args, args + expected.args.length), expected.args)).toBe(0);
}

describe("ImageStore", () => {
  test("behaves as a map of images with counted references, for any sequence of operations", () => {
    for (let seed = 0; seed < 5; seed++) {
      const prng = new Prng(seed);
      const store = new ImageStore();
      const model = new Map<number, Image>();
      const some = () => [...model.keys()][prng.index(model.size)] as number;
      for (let step = 0; step < 3000; step++) {
        const choice = prng.float();
        if (model.size === 0 || choice < 0.35) {
          // Most images are short, and some as long as a record may be.
          const room = prng.index(20) === 0 ? 15360 : 150;
          const exe = randomBytes(prng, prng.index(room + 1));
          const args = randomBytes(prng, prng.index(room - exe.length + 1));
          const flags = prng.index(256);
          const image = put(store, exe, args, flags);
          expect(image).not.toBe(NO_IMAGE);
          expect(model.has(image)).toBe(false);
          model.set(image, { exe, args, flags, references: 1 });
        } else if (choice < 0.55) {
          const image = some();
          expect(store.share(image)).toBe(image);
          (model.get(image) as Image).references++;
        } else {
          const image = some();
          store.release(image);
          const held = model.get(image) as Image;
          if (--held.references === 0) model.delete(image);
        }
        expect(store.count).toBe(model.size);
        if (model.size > 0) {
          const image = some();
          expectHolds(store, image, model.get(image) as Image);
        }
      }
      for (const [image, expected] of model) expectHolds(store, image, expected);
      for (const [image, { references }] of model) for (let i = 0; i < references; i++) store.release(image);
      expect(store.count).toBe(0);
    }
  });

  test("stores images of every length around its block sizes", () => {
    const store = new ImageStore();
    const held: [number, Image][] = [];
    for (let size = 64; size <= 32768; size *= 2) {
      for (let length = Math.max(0, size - 12 - 3); length <= Math.min(size - 12 + 3, 32768 - 12); length++) {
        const bytes = new Uint8Array(length).fill(length & 0xff);
        const image = {
          exe: bytes.subarray(0, length >> 1),
          args: bytes.subarray(length >> 1),
          flags: 0,
          references: 1,
        };
        held.push([put(store, image.exe, image.args, 0), image]);
      }
    }
    for (const [image, expected] of held) expectHolds(store, image, expected);
    for (const [image] of held) store.release(image);
    expect(store.count).toBe(0);
  });

  test.each([52, 116, 244, 500, 1012, 8180, 16372])("packs images of %i bytes without gaps or overlaps", (length) => {
    // With its head each image fills a block to the last byte. Together they need several chunks.
    const store = new ImageStore();
    const count = Math.ceil((3 * 256 * 1024) / (length + 12));
    const held = Array.from({ length: count }, (_, i): [number, Image] => {
      const image = { exe: new Uint8Array(length).fill(i), args: new Uint8Array(0), flags: i, references: 1 };
      return [put(store, image.exe, image.args, i), image];
    });
    for (const [image, expected] of held) expectHolds(store, image, expected);
    expect(store.bytes).toBeLessThanOrEqual(5 * 256 * 1024);
  });

  test("reuses released memory", () => {
    const store = new ImageStore();
    const empty = new Uint8Array(0);
    const round = () => {
      const images = Array.from({ length: 5000 }, (_, i) => put(store, new Uint8Array(10 + (i % 500)), empty, 0));
      for (const image of images) store.release(image);
    };
    round();
    const { bytes } = store;
    for (let i = 0; i < 5; i++) round();
    expect(store.bytes).toBe(bytes);
    expect(store.count).toBe(0);
  });

  test("sharing and releasing NO_IMAGE changes nothing", () => {
    const store = new ImageStore();
    expect(store.share(NO_IMAGE)).toBe(NO_IMAGE);
    store.release(NO_IMAGE);
    expect(store.count).toBe(0);
    expect(store.bytes).toBe(0);
  });
});
