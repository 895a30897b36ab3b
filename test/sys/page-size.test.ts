import { describe, expect, test } from "bun:test";
import { residentFileBytes } from "../../src/sys/memory.ts";
import { pageBytes, pagesFor } from "../../src/sys/page-size.ts";

describe("the page", () => {
  test("is as large as the kernel reports to every program (AT_PAGESZ)", () => {
    expect(String(pageBytes())).toBe(Bun.spawnSync(["getconf", "PAGESIZE"]).stdout.toString().trim());
    expect(pagesFor(pageBytes() + 1)).toBe(2);
  });

  test.each([
    [4096, 4096, 1],
    [4097, 4096, 2],
    [262_144, 4096, 64],
    [262_144, 16_384, 16],
    [262_144, 65_536, 4],
    // A ring smaller than a page.
    [4096, 65_536, 1],
  ])("for %i bytes needs, with pages of %i bytes: %i", (bytes, page, pages) => {
    expect(pagesFor(bytes, page)).toBe(pages);
  });
});

test("is the unit of the resident file memory in statm", () => {
  const statm = "9146 2005 1277 3 0 1500 0\n";
  expect(residentFileBytes(statm, 4096)).toBe(1277 * 4096);
  expect(residentFileBytes(statm, 65_536)).toBe(1277 * 65_536);
  // Bun itself has megabytes of file memory, counted in pages of this kernel.
  expect(residentFileBytes()).toBeGreaterThan(2 ** 20);
  expect(residentFileBytes()).toBeLessThan(2 ** 31);
});
